import NIOCore
import NIOPosix
import Synchronization

/// The host's end of one virtio-serial port or console: a unix socket that QEMU listens on.
///
/// Reading has back pressure: beyond 1 MiB unread the socket is left alone, QEMU stops taking from the guest, and the guest's writer blocks. One reader at
/// a time; `next()` may be called from one task after another.
final class PortConnection: Sendable {
    private struct State {
        var buffer = ByteBuffer()
        var ended: (any Error)?
        var isEnded = false
        var waiter: CheckedContinuation<ByteBuffer?, any Error>?
        /// True while no read was asked of the socket because the buffer is full.
        var resting = false
    }

    private static let highWater = 1 << 20

    private let state = Mutex(State())
    private let channel: any Channel

    private init(channel: any Channel) {
        self.channel = channel
    }

    /// Connects to QEMU's socket.
    ///
    /// - Parameters:
    ///   - path: the socket; at most 107 bytes, the limit of unix(7).
    ///   - group: whose threads carry the data.
    static func connect(path: String, group: any EventLoopGroup) async throws -> PortConnection {
        let channel = try await ClientBootstrap(group: group)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 256 << 10))
            .connect(unixDomainSocketPath: path).get()
        let connection = PortConnection(channel: channel)
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(PortHandler(connection: connection))
            channel.read()
        }.get()
        return connection
    }

    /// The bytes that came since the last call; waits for some. Nil when the other side closed.
    ///
    /// - Throws: the error given to ``end(_:)``, `CancellationError`, or the socket's own error.
    func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                var wake = false
                let ready: Result<ByteBuffer?, any Error>? = state.withLock { state in
                    // A cancelled task must not become a waiter: its handler may have run already.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.buffer.readableBytes > 0 {
                        let bytes = state.buffer
                        state.buffer = ByteBuffer()
                        wake = state.resting
                        state.resting = false
                        return .success(bytes)
                    }
                    if state.isEnded { return state.ended.map { .failure($0) } ?? .success(nil) }
                    state.waiter = continuation
                    return nil
                }
                if wake { channel.read() }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Sends bytes; returns when the kernel has them, so that a slow guest slows the sender.
    func send(_ bytes: ByteBuffer) async throws {
        do {
            try await channel.writeAndFlush(bytes).get()
        } catch {
            throw state.withLock { $0.ended } ?? error
        }
    }

    /// Sends text.
    func send(_ text: String) async throws {
        try await send(ByteBuffer(string: text))
    }

    /// Tells the guest's reader that nothing more comes. Half-closing loses nothing; closing outright makes QEMU 7.2 drop what it has not yet read
    /// (it handles the hang-up before the data).
    func finishSending() async throws {
        try await channel.close(mode: .output).get()
    }

    /// Whether this end of it is closed.
    var isClosed: Bool { !channel.isActive }

    /// Ends the connection: whoever waits gets `error`, or end-of-file when it is nil.
    func end(_ error: (any Error)?) {
        finish(error)
        channel.close(promise: nil)
    }

    /// Ends the connection and returns when the socket is closed, so that QEMU accepts the next client.
    func close() async {
        finish(nil)
        try? await channel.close().get()
    }

    fileprivate func received(_ bytes: inout ByteBuffer) -> Bool {
        let (waiter, ready, mayRead): (CheckedContinuation<ByteBuffer?, any Error>?, ByteBuffer?, Bool) = state.withLock { state in
            if let waiter = state.waiter {
                state.waiter = nil
                return (waiter, bytes, true)
            }
            if state.buffer.readableBytes == 0 {
                state.buffer = bytes
            } else {
                state.buffer.writeBuffer(&bytes)
            }
            state.resting = state.buffer.readableBytes >= Self.highWater
            return (nil, nil, !state.resting)
        }
        waiter?.resume(returning: ready)
        return mayRead
    }

    fileprivate func finish(_ error: (any Error)?) {
        let waiter: CheckedContinuation<ByteBuffer?, any Error>? = state.withLock { state in
            guard !state.isEnded else { return nil }
            state.isEnded = true
            state.ended = error
            defer { state.waiter = nil }
            return state.waiter
        }
        guard let waiter else { return }
        if let error { waiter.resume(throwing: error) } else { waiter.resume(returning: nil) }
    }
}

/// Feeds the connection from the event loop and asks for more while there is room.
private final class PortHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: PortConnection
    private var mayRead = true

    init(connection: PortConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        mayRead = connection.received(&bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mayRead { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { connection.finish(nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.finish(nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.finish(error)
        context.close(promise: nil)
    }
}
