import Foundation
import NIOCore
import NIOPosix
import Synchronization

@testable import GuestShell

/// The sockets of a QEMU without a guest: each takes one client at a time, as QEMU's do, and answers what the bootstrap asks.
final class FakeGuest: Sendable {
    private let folder: String
    private let servers: Mutex<[any Channel]> = Mutex([])
    /// Whether the control shell answers. While it does not, whoever asks it waits.
    let isDeaf = Mutex(false)
    /// Ports that the guest has not heard of yet.
    let unknown = Mutex<Set<String>>([])
    /// Passes each line that the control shell was sent.
    let heard: AsyncStream<String>
    fileprivate let hear: AsyncStream<String>.Continuation

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/vmlab-fake-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        (heard, hear) = AsyncStream.makeStream()
    }

    func withShell(_ options: GuestShellOptions = GuestShellOptions(), _ body: (GuestShell) async throws -> Void) async throws {
        do {
            for name in ["hvc0"] + PortNames.all { try await listen(name) }
            let endpoints = GuestEndpoints(
                backdoor: folder + "/hvc0", ports: Dictionary(uniqueKeysWithValues: PortNames.all.map { ($0, "\(folder)/\($0)") }))
            try await withGuestShell(node: "a", endpoints: endpoints, options: options, body: body)
        } catch {
            try await end()
            throw error
        }
        try await end()
    }

    private func end() async throws {
        for server in servers.withLock({ $0 }) { try? await server.close() }
        try FileManager.default.removeItem(atPath: folder)
    }

    private func listen(_ name: String) async throws {
        let gate = OneAtATime()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answer(self, name))
                    channel.closeFuture.whenComplete { _ in gate.next() }
                }
            }
            .bind(unixDomainSocketPath: "\(folder)/\(name)").get()
        gate.server.withLock { $0 = server }
        gate.next()
        servers.withLock { $0.append(server) }
    }

    private final class OneAtATime: Sendable {
        let server = Mutex<(any Channel)?>(nil)
        func next() { server.withLock { $0 }?.read() }
    }
}

/// What the guest's shells would say.
private final class Answer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let guest: FakeGuest
    private let name: String
    private var splitter = LineSplitter()

    init(_ guest: FakeGuest, _ name: String) { (self.guest, self.name) = (guest, name) }

    func channelActive(context: ChannelHandlerContext) {
        if name == "hvc0" { say("Spawning backdoor root shell...", context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        for line in splitter.lines(bytes.readableBytesView) {
            if name == "hvc0" { answerConsole(line, context) } else if name == PortNames.control { answerControl(line, context) }
        }
    }

    private func answerConsole(_ line: String, _ context: ChannelHandlerContext) {
        guard let half = line.firstRange(of: "vm="), let rest = line.firstRange(of: #""$vm""#) else { return }
        let first = line[half.upperBound...].prefix { $0 != ";" }
        let second = line[rest.upperBound...].prefix { $0 != ":" }
        say("\(first)\(second):ok", context)
    }

    private func answerControl(_ line: String, _ context: ChannelHandlerContext) {
        guest.hear.yield(line)
        guard !guest.isDeaf.withLock({ $0 }) else { return }
        if line == "vports" {
            for port in PortNames.all where !guest.unknown.withLock({ $0.contains(port) }) { say("port \(port) /dev/\(port)", context) }
        } else if line.hasPrefix("command -v bash") {
            say("yes", context)
        } else if line.hasPrefix("printf '"), let word = line.split(separator: " ").last {
            say("\(line.dropFirst(8).prefix { $0 != " " }) \(word)", context)
        }
    }

    private func say(_ line: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: line + "\n")), promise: nil)
    }
}
