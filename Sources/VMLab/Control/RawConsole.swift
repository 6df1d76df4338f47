import NIOCore
import NIOPosix
import LabEvents

/// A serial console's socket, byte by byte.
public enum RawConsole {
    /// Connects for the time of `body`, which gets two functions: to send bytes, and to receive some (nil at the end).
    public static func join<Result: Sendable>(
        _ path: String,
        _ body:
            @escaping @Sendable (
                _ send: @escaping @Sendable ([UInt8]) async throws -> Void, _ receive: @escaping @Sendable () async throws -> [UInt8]?
            ) async throws -> Result
    ) async throws -> Result {
        let channel: LineChannel.Channel
        do {
            channel = try await LineChannel.connect(path)
        } catch {
            throw Problem(.failure, "cannot reach the console", location: path, why: "\(error)")
        }
        return try await channel.executeThenClose { inbound, outbound in
            let (pieces, piece) = AsyncThrowingStream.makeStream(of: [UInt8].self)
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask {
                    // Always read: a console that nobody reads starves QEMU's log of it.
                    for try await bytes in inbound { piece.yield(Array(bytes.readableBytesView)) }
                    piece.finish()
                }
                return try await body(
                    { try await outbound.write(ByteBuffer(bytes: $0)) },
                    {
                        for try await bytes in pieces { return bytes }
                        return nil
                    })
            }
        }
    }
}
