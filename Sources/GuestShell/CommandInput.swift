import NIOCore
import Synchronization

/// Feeds one command's standard input through an input port. The host's end is connected for this command alone, since its closing is the end-of-file.
final class CommandInput: Sendable {
    let device: String
    private let source: GuestInput
    private let connection: PortConnection

    init(device: String, source: GuestInput, connection: PortConnection) {
        self.device = device
        self.source = source
        self.connection = connection
    }

    /// Sends the line behind which the input starts: what an earlier command left unread in the port comes before it, and the worker skips that.
    func open(_ begin: Mark) async throws {
        try await connection.send("\n\(begin.text)\n")
    }

    /// Sends everything and the end-of-file. A command that ends or closes its input without reading it all is no error.
    func feed() async throws -> Worker.Event {
        switch source {
        case .none: break
        case .bytes(let bytes):
            var rest = bytes[...]
            while !rest.isEmpty, await pass(rest.prefix(64 << 10)) { rest = rest.dropFirst(64 << 10) }
        case .pieces(let next):
            while let piece = try await next() {
                guard await pass(piece[...]) else { break }
            }
        }
        try? await connection.finishSending()
        return .fed
    }

    /// False when nobody takes it any more.
    private func pass(_ bytes: ArraySlice<UInt8>) async -> Bool {
        do {
            try await connection.send(ByteBuffer(bytes: bytes))
            return true
        } catch {
            return false
        }
    }

    /// Stops feeding at once; a send that waits for the guest ends.
    func abort() {
        connection.end(nil)
    }

    func close() async {
        await connection.close()
    }
}
