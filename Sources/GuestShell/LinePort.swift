import NIOCore
import Synchronization

/// A port that speaks lines: a worker's or the control shell's standard input and output.
final class LinePort: Sendable {
    let connection: PortConnection
    private let splitter = Mutex(LineSplitter())
    private let pending = Mutex<[String]>([])

    init(_ connection: PortConnection) {
        self.connection = connection
    }

    /// The next line; nil at end-of-file.
    func line() async throws -> String? {
        while true {
            let ready: String? = pending.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let ready { return ready }
            guard let bytes = try await connection.next() else { return nil }
            let lines = splitter.withLock { $0.lines(bytes.readableBytesView) }
            pending.withLock { $0 += lines }
        }
    }

    func send(_ text: String) async throws {
        try await connection.send(text)
    }
}
