import CVDEPlug
import Foundation
import Glibc
import LabEvents
import Synchronization

/// Two threads, over libvdeplug alone: one sends, one counts what comes for a while.
final class FrameMeter: Sendable {
    struct Reading: Sendable {
        /// What came, while it was counted.
        var frames = 0
        var seconds = 0.0
        var rate: Double { Double(frames) / seconds }
    }

    private let load: Load
    /// libvdeplug's connections; each is used by one thread.
    nonisolated(unsafe) private let source: OpaquePointer
    nonisolated(unsafe) private let sink: OpaquePointer
    private let received = Atomic(0)
    private let isDone = Atomic(false)
    /// What is written to the second tells the sender that frames have come.
    private let acknowledgements: (reader: Int32, writer: Int32)

    /// Joins the ports.
    init(from source: PortPlace, to sink: PortPlace, load: Load) throws(Problem) {
        self.load = load
        (self.source, self.sink) = (try source.join(), try sink.join())
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends)
        acknowledgements = (ends[0], ends[1])
    }

    deinit {
        vde_close(source)
        vde_close(sink)
        close(acknowledgements.reader)
        close(acknowledgements.writer)
    }

    /// Sends, and counts what comes.
    ///
    /// - Parameters:
    ///   - time: how long is counted.
    ///   - begin: called when the first frames have come; these are not counted.
    func measure(for time: Duration, begin: @escaping @Sendable () -> Void) async -> Reading {
        async let sent: Void = onThread { self.send() }
        let reading = await onThread { self.receive(for: time, begin) }
        await sent
        return reading
    }

    private func send() {
        let frame = [UInt8](repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 1, 0x88, 0xB5] + [UInt8](repeating: 0, count: load.size - 14)
        var sent = 0
        while !isDone.load(ordering: .relaxed) {
            if let window = load.window, sent - received.load(ordering: .relaxed) >= window {
                var news = pollfd(fd: acknowledgements.reader, events: Int16(POLLIN), revents: 0)
                // What is lost will not be acknowledged.
                if poll(&news, 1, 20) == 0 { sent = received.load(ordering: .relaxed) }
                var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
                read(acknowledgements.reader, &bytes, 32)
                continue
            }
            // Waits while the switch's queue is full.
            Glibc.send(vde_datafd(source), frame, frame.count, Int32(MSG_NOSIGNAL))
            sent += 1
        }
    }

    private func receive(for time: Duration, _ begin: () -> Void) -> Reading {
        defer { isDone.store(true, ordering: .relaxed) }
        let socket = vde_datafd(sink)
        var buffer = [UInt8](repeating: 0, count: 2048)
        var reading = Reading()
        let clock = ContinuousClock()
        let limit = clock.now + .seconds(5)
        // The first frame shows that all are joined.
        var start: ContinuousClock.Instant?
        while clock.now < limit {
            var input = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&input, 1, 100) > 0 else { continue }
            var count = 0
            while recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 { count += 1 }
            received.add(count, ordering: .relaxed)
            if load.window != nil { write(acknowledgements.writer, [1], 1) }
            guard let start else {
                begin()
                start = clock.now
                continue
            }
            reading.frames += count
            if clock.now - start >= time {
                reading.seconds = (clock.now - start) / .seconds(1)
                break
            }
        }
        return reading
    }
}

/// A port of a switch, as libvdeplug joins it.
struct PortPlace: Sendable {
    var folder: String
    var port: Int

    fileprivate func join() throws(Problem) -> OpaquePointer {
        guard let connection = cvdeplug_open(folder, "meter", Int32(port)) else {
            throw Problem(.failure, "cannot join a switch", location: "port \(port) of \(folder)", why: String(cString: strerror(errno)))
        }
        return connection
    }
}

/// Calls something that blocks on a thread of its own.
private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}
