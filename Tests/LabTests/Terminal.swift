import Glibc
import Synchronization

/// A terminal whose other end a test holds, as a terminal window does.
final class Terminal: Sendable {
    /// The device that a program opens.
    let path: String
    private let window: Mutex<Int32>

    init() throws {
        // Swift's Glibc lacks posix_openpt(3) and its like; these are the calls that they make (ioctl_tty(2)).
        let (unlock, number) = (UInt(0x4004_5431) /* TIOCSPTLCK */, UInt(0x8004_5430) /* TIOCGPTN */)
        let descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        var (isLocked, index) = (Int32(0), UInt32(0))
        guard descriptor >= 0, ioctl(descriptor, unlock, &isLocked) == 0, ioctl(descriptor, number, &index) == 0 else {
            throw Program.Failure(description: "no terminal: \(String(cString: strerror(errno)))")
        }
        path = "/dev/pts/\(index)"
        window = Mutex(descriptor)
    }

    deinit { close() }

    /// Closes the window.
    func close() {
        window.withLock { descriptor in
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
    }

    /// Takes what the programs print while `body` runs, so that they are not held up.
    func reading<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask { try await body() }
            tasks.addTask {
                while !Task.isCancelled {
                    self.take()
                    try await Task.sleep(for: .milliseconds(20))
                }
                return nil
            }
            guard let result = try await tasks.next() ?? nil else { throw CancellationError() }
            return result
        }
    }

    private func take() {
        window.withLock { descriptor in
            var piece = [UInt8](repeating: 0, count: 16 << 10)
            while descriptor >= 0, read(descriptor, &piece, piece.count) > 0 {}
        }
    }
}
