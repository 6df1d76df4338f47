public import LabEvents
internal import NIOCore
internal import NIOPosix

/// QMP over a unix socket.
public final class QMPSocketMonitor: Monitor {
    private let session: QMPSession
    private let channel: any NIOCore.Channel

    private init(session: QMPSession, channel: any NIOCore.Channel) {
        self.session = session
        self.channel = channel
    }

    /// Connects to a QEMU that listens on a path and leaves the negotiation mode. QEMU serves one connection at a time.
    ///
    /// - Parameters:
    ///   - path: the socket, at most 107 bytes.
    ///   - transcript: gets every line of the conversation, in the order of each direction; called on the connection's thread, so it must
    ///     not block for long.
    /// - Throws: ``MonitorError/disconnected(command:reason:)`` when nobody listens or QEMU goes away.
    public static func connect(
        path: String, transcript: (@Sendable (QMPTraffic) -> Void)? = nil
    ) async throws(MonitorError) -> QMPSocketMonitor {
        let session = QMPSession(transcript: transcript)
        let channel: any NIOCore.Channel
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(QMPSocketHandler(session: session))
                    }
                }
                .connect(unixDomainSocketPath: path).get()
        } catch {
            throw .disconnected(command: "connect", reason: "\(path): \(error)")
        }
        let monitor = QMPSocketMonitor(session: session, channel: channel)
        do throws(MonitorError) {
            _ = try await monitor.execute(QMP.Capabilities())
        } catch {
            await monitor.close()
            throw error
        }
        return monitor
    }

    /// Every event since the connection was made.
    public var events: EventHistory<QMPEvent> { session.events }

    /// QEMU's version, for example `7.2.22`.
    public var version: String? { session.version }

    /// Sends a command and waits for its answer.
    @discardableResult
    public func execute<Command: QMPCommand>(_ command: Command) async throws(MonitorError) -> Command.Return {
        let channel = self.channel
        return try await session.execute(command) { bytes in
            channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        }
    }

    /// Closes the connection; QEMU runs on. Waiting commands end at once.
    public func close() async {
        session.close(reason: "the connection was closed")
        try? await channel.close()
    }
}

/// Hands the socket's bytes and its end to the session.
private final class QMPSocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let session: QMPSession

    init(session: QMPSession) {
        self.session = session
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        session.receive(unwrapInboundIn(data).readableBytesView)
    }

    func channelInactive(context: ChannelHandlerContext) {
        session.close(reason: "QEMU closed the QMP socket")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        session.close(reason: "QMP socket: \(error)")
        context.close(promise: nil)
    }
}
