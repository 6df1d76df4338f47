import NIOCore
import Synchronization

/// The two output ports of one running command.
final class OutputPair: Sendable {
    let index: Int
    let stdout: FramePort
    let stderr: FramePort

    init(index: Int, stdout: FramePort, stderr: FramePort) {
        self.index = index
        self.stdout = stdout
        self.stderr = stderr
    }

    /// Tells both ports what frame comes next: one on ports that are opened for it, or, with `begin` nil, the one after the last.
    func expect(begin: Mark?, end: Mark, next: Mark) {
        for port in [stdout, stderr] { port.expect(begin: begin, end: end, next: next) }
    }

    func retarget(end: Mark) {
        stdout.retarget(end: end)
        stderr.retarget(end: end)
    }
}

/// One output port: a connection and the parser of its stream.
final class FramePort: Sendable {
    let connection: PortConnection
    /// The guest's device file.
    let device: String
    private let parser = Mutex(FrameParser())

    init(connection: PortConnection, device: String) {
        self.connection = connection
        self.device = device
    }

    func expect(begin: Mark?, end: Mark, next: Mark) {
        parser.withLock { parser in
            if let begin { parser.expect(begin: begin, end: end, next: next) } else { parser.proceed(end: end, next: next) }
        }
    }

    func retarget(end: Mark) {
        parser.withLock { $0.retarget(end: end) }
    }

    /// Reads to the end of the frame.
    ///
    /// - Parameter sink: takes the payload.
    /// - Returns: the trailer.
    func frame(into sink: OutputSink) async throws -> FrameParser.Trailer {
        while let bytes = try await connection.next() {
            let trailer = try bytes.withUnsafeReadableBytes { chunk in
                try parser.withLock { parser in try parser.feed(chunk, emit: sink.take) }
            }
            try await sink.deliver()
            if let trailer { return trailer }
        }
        throw GuestShellError.channelBroken(node: sink.node, detail: "QEMU closed an output port")
    }
}

/// Where one stream of a command goes: into the result, and to the caller's closure as it comes.
final class OutputSink: Sendable {
    let node: String
    private let stream: OutputPiece.Stream
    private let handler: (@Sendable (OutputPiece) async throws -> Void)?
    private let state: Mutex<(captured: CapturedOutput, pending: [UInt8])>

    init(stream: OutputPiece.Stream, request: CommandRequest, node: String) {
        self.stream = stream
        self.node = node
        handler = request.onOutput
        state = Mutex((CapturedOutput(limit: request.captureLimit), []))
    }

    /// Takes payload; called from the parser.
    func take(_ bytes: UnsafeRawBufferPointer) {
        state.withLock { state in
            state.captured.append(bytes)
            if handler != nil { state.pending.append(contentsOf: bytes) }
        }
    }

    /// Hands on what was taken since the last time.
    func deliver() async throws {
        guard let handler else { return }
        let bytes = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        if !bytes.isEmpty { try await handler(OutputPiece(stream: stream, bytes: bytes)) }
    }

    /// Everything that was captured.
    func finish() -> CapturedOutput {
        state.withLock { state in
            state.captured.finish()
            return state.captured
        }
    }
}
