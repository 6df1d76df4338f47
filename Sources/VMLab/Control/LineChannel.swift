import FoundationEssentials
import LabEvents
import NIOCore
import NIOPosix

/// A unix stream socket that carries JSON objects, one a line.
struct LineChannel: Sendable {
    typealias Channel = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// The longest line that is accepted, in bytes.
    static let lineLimit = 1 << 20

    /// Prepares a connection's pipeline.
    static func wrap(_ channel: any NIOCore.Channel) -> EventLoopFuture<Channel> {
        channel.eventLoop.makeCompletedFuture {
            try Channel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: false))
        }
    }

    static func connect(_ path: String) async throws -> Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(unixDomainSocketPath: path) { wrap($0) }
    }

    /// - Parameter descriptor: a connected stream socket, which belongs to the channel from now on.
    static func adopt(_ descriptor: CInt) async throws -> Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).withConnectedSocket(descriptor) { wrap($0) }
    }

    /// The line for a value.
    static func line(_ value: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var line = ByteBuffer(bytes: try encoder.encode(value))
        line.writeInteger(UInt8(ascii: "\n"))
        return line
    }
}

/// Cuts what comes over a socket into lines.
struct LineReader {
    private var buffer = ByteBuffer()

    /// The lines that `bytes` completes, without their ends.
    ///
    /// - Throws: a ``Problem`` when a line is longer than ``LineChannel/lineLimit``.
    mutating func lines(_ bytes: ByteBuffer) throws(Problem) -> [[UInt8]] {
        var bytes = bytes
        buffer.writeBuffer(&bytes)
        var lines: [[UInt8]] = []
        while let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let length = end - buffer.readerIndex
            lines.append(buffer.readBytes(length: length) ?? [])
            buffer.moveReaderIndex(forwardBy: 1)
        }
        buffer.discardReadBytes()
        guard buffer.readableBytes <= LineChannel.lineLimit else {
            throw Problem(.invalidInput, "a line on the control socket is too long", why: "more than \(LineChannel.lineLimit) bytes")
        }
        return lines
    }
}
