import NIOCore
import NIOPosix

/// A connection to a switch's management socket. The switch serves several at once.
final class ManagementSocket: Sendable {
    let session: ManagementSession
    private let channel: any NIOCore.Channel

    private init(session: ManagementSession, channel: any NIOCore.Channel) {
        self.session = session
        self.channel = channel
    }

    /// Connects to a switch that listens on a path.
    ///
    /// - Throws: NIO's error when nobody listens.
    static func connect(path: String) async throws -> ManagementSocket {
        let session = ManagementSession()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ManagementChannelHandler(session: session))
                }
            }
            .connect(unixDomainSocketPath: path).get()
        session.open { bytes in channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
        return ManagementSocket(session: session, channel: channel)
    }

    /// Closes the connection; the switch runs on. Waiting commands end at once.
    func close() async {
        session.close(reason: "the connection was closed")
        try? await channel.close()
    }
}

/// Hands the socket's bytes and its end to the session.
private final class ManagementChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let session: ManagementSession

    init(session: ManagementSession) {
        self.session = session
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        session.receive(unwrapInboundIn(data).readableBytesView)
        // After too long an answer the rest would be read for nobody.
        if session.isClosed { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        session.close(reason: "the switch closed its management socket")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        session.close(reason: "management socket: \(error)")
        context.close(promise: nil)
    }
}
