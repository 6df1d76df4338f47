import CVDEPlug
import Glibc
import LabEvents

/// What a cable's thread sleeps on: three descriptors of the first end, three of the second, and the one that wakes it.
struct CablePolls: ~Copyable {
    /// What an end is polled for.
    struct Mode: Equatable {
        /// Whether frames wait for room.
        var isFull = false
        /// Whether what comes is left where it is.
        var isPaused = false
    }

    private struct Shape: Equatable {
        var generation = -1
        var mode = Mode()
    }

    private static let count = 2 * EndSocket.descriptorCount + 1

    private let polls: UnsafeMutablePointer<pollfd>
    private var shapes = (Shape(), Shape())

    init(wake: Int32) {
        polls = .allocate(capacity: Self.count)
        polls.initialize(repeating: pollfd(fd: wake, events: Int16(POLLIN), revents: 0), count: Self.count)
    }

    deinit { polls.deallocate() }

    /// What poll(2) told of a descriptor.
    func answer(_ place: Int) -> Int16 { polls[place].revents }

    /// Whether somebody called.
    var isWoken: Bool { polls[6].revents != 0 }

    /// Whether a switch came or went.
    var isControlled: Bool { polls[2].revents != 0 || polls[5].revents != 0 }

    /// Takes the descriptors of the ends, where they are others than before.
    ///
    /// - Parameters:
    ///   - first: the first end, and whether it is to be polled for room and not for frames.
    ///   - second: the second end, likewise.
    mutating func set(_ first: (end: EndSocket, mode: Mode), _ second: (end: EndSocket, mode: Mode)) {
        let now = (Shape(generation: first.end.generation, mode: first.mode), Shape(generation: second.end.generation, mode: second.mode))
        if shapes.0 != now.0 {
            (polls[0], polls[1], polls[2]) = first.end.descriptors(isFull: first.mode.isFull, isPaused: first.mode.isPaused)
        }
        if shapes.1 != now.1 {
            (polls[3], polls[4], polls[5]) = second.end.descriptors(isFull: second.mode.isFull, isPaused: second.mode.isPaused)
        }
        shapes = now
    }

    /// Sleeps until a descriptor has something, or until a time; nil for no such time, zero for not at all.
    mutating func wait(until due: Nanoseconds?, _ name: String) throws(Problem) {
        let code: Int32
        if let due {
            let rest = due == .zero ? 0 : max(0, due.count - Nanoseconds.now.count)
            var limit = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
            code = cvdeplug_poll(polls, UInt(Self.count), &limit, nil)
        } else {
            code = cvdeplug_poll(polls, UInt(Self.count), nil, nil)
        }
        if code >= 0 { return }
        guard errno == EINTR || errno == ENOMEM else {
            throw Problem(.failure, "cannot poll for cable \(name)", why: String(cString: strerror(errno)))
        }
        for place in 0..<Self.count { polls[place].revents = 0 }
    }
}
