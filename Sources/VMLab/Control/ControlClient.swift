import LabEvents
import FoundationEssentials
import GuestShell
import NIOCore
import Synchronization

/// A connection to the owner of a lab.
public final class ControlClient: Sendable {
    private struct State {
        var next = 0
        var replies: [Int: AsyncThrowingStream<ControlReply, any Error>.Continuation] = [:]
        var isClosed = false
    }

    /// What the owner said first.
    public var hello: ControlReply { greeting.value ?? ControlReply(.hello, id: 0) }
    private let greeting = Gate<ControlReply>()
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let state = Mutex(State())

    private init(outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        self.outbound = outbound
    }

    /// Connects to the owner of a run for the time of `body`.
    ///
    /// - Throws: a ``Problem`` when nobody owns the run, or its owner speaks another protocol.
    public static func with<Result: Sendable>(
        _ run: RunDirectory, _ body: @escaping @Sendable (ControlClient) async throws -> Result
    ) async throws -> Result {
        let channel: LineChannel.Channel
        do {
            channel = try await LineChannel.connect(run.control)
        } catch {
            throw Problem(
                .failure, "the lab of run \(run.identifier) is not there", location: run.path,
                why: RunLock.isHeld(run) ? "its owner does not answer: \(error)" : "it has ended",
                remedy: "`vmlab ps` lists the labs that live; `--keep` lets one stay")
        }
        return try await with(channel, body)
    }

    /// Talks over a socket that is connected already; it is closed at the end.
    static func with<Result: Sendable>(
        descriptor: Int32, _ body: @escaping @Sendable (ControlClient) async throws -> Result
    ) async throws -> Result {
        try await with(try await LineChannel.adopt(descriptor), body)
    }

    private static func with<Result: Sendable>(
        _ channel: LineChannel.Channel, _ body: @escaping @Sendable (ControlClient) async throws -> Result
    ) async throws -> Result {
        try await channel.executeThenClose { inbound, outbound in
            let client = ControlClient(outbound: outbound)
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask { await client.receive(inbound) }
                let hello = try await client.greeting.wait()
                guard hello.type == .hello, hello.protocol == ControlRequest.protocolVersion else {
                    throw Problem(
                        .failure, "the lab's owner speaks another protocol",
                        why: "it speaks version \(hello.protocol ?? 0), this build version \(ControlRequest.protocolVersion)",
                        remedy: "use the executable that started the lab")
                }
                return try await body(client)
            }
        }
    }

    static let gone = Problem(.failure, "the lab's owner is gone", why: "its control connection closed")

    /// A request under way.
    public struct Exchange: Sendable {
        /// The request's number, for `input`, `resize` and `cancel`.
        public let id: Int
        /// The replies before the last; ends after `result`, throws the ``Problem`` of an `error`. The last `result` is among them.
        public let replies: AsyncThrowingStream<ControlReply, any Error>
    }

    /// Sends a request.
    public func begin(_ request: ControlRequest) async throws -> Exchange {
        let (replies, continuation) = AsyncThrowingStream.makeStream(of: ControlReply.self)
        let id: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.replies[state.next] = continuation
            return state.next
        }
        guard let id else { throw Self.gone }
        var numbered = request
        numbered.id = id
        try await write(numbered)
        return Exchange(id: id, replies: replies)
    }

    /// Sends a request and waits for its result.
    @discardableResult
    public func call(_ request: ControlRequest, onReply: (ControlReply) async throws -> Void = { _ in }) async throws -> ControlReply {
        for try await reply in try await begin(request).replies {
            if reply.type == .result { return reply }
            try await onReply(reply)
        }
        throw Task.isCancelled ? CancellationError() : Self.gone
    }

    /// Sends what belongs to a request under way.
    public func follow(_ exchange: Exchange, _ request: ControlRequest) async throws {
        var numbered = request
        numbered.id = exchange.id
        try await write(numbered)
    }

    private func write(_ request: ControlRequest) async throws {
        do {
            try await outbound.write(try LineChannel.line(request))
        } catch is ChannelError {
            throw Self.gone
        }
    }

    private func receive(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async {
        var lines = LineSource(inbound)
        var end: (any Error)?
        do {
            while let line = try await lines.next() {
                let reply = try line.reply()
                if reply.id == 0 { greeting.open(reply) } else { deliver(reply) }
            }
        } catch {
            end = error
        }
        let open = state.withLock { state in
            state.isClosed = true
            defer { state.replies = [:] }
            return state.replies.values
        }
        if greeting.value == nil { greeting.fail(Self.gone) }
        for continuation in open { continuation.finish(throwing: end is Problem ? end : Self.gone) }
    }

    private func deliver(_ reply: ControlReply) {
        let isLast = reply.type == .result || reply.type == .error
        let continuation = state.withLock { isLast ? $0.replies.removeValue(forKey: reply.id) : $0.replies[reply.id] }
        guard let continuation else { return }
        if reply.type == .error {
            continuation.finish(throwing: reply.problem ?? Problem(.failure, "the lab's owner refused"))
        } else {
            continuation.yield(reply)
            if isLast { continuation.finish() }
        }
    }
}

/// The lines of one side of a connection.
struct LineSource {
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var reader = LineReader()
    private var ready: ArraySlice<[UInt8]> = []

    init(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) { iterator = inbound.makeAsyncIterator() }

    /// The next line; nil at the end.
    mutating func next() async throws -> Line? {
        while true {
            if let line = ready.popFirst() { return Line(bytes: line) }
            guard let bytes = try await iterator.next(isolation: #isolation) else { return nil }
            ready = try reader.lines(bytes)[...]
        }
    }

    struct Line {
        let bytes: [UInt8]

        func reply() throws -> ControlReply { try JSONDecoder().decode(ControlReply.self, from: Data(bytes)) }
        func request() throws -> ControlRequest { try JSONDecoder().decode(ControlRequest.self, from: Data(bytes)) }
    }
}
