import Foundation
import Synchronization

@testable import GuestShell

/// Runs requests in a shell of the host, as a guest's worker would.
struct HostShell: Sendable {
    var program = ["/bin/bash", "--norc"]

    /// A shell as small as busybox's.
    static let posix = HostShell(program: ["/bin/dash"])

    func execute(_ request: CommandRequest) async throws -> CommandResult {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/setsid")
        process.arguments = ["--wait"] + program + ["-c", request.command]
        let (out, err) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError, process.standardInput) = (out, err, FileHandle.nullDevice)
        let (ends, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = { end.yield($0.terminationStatus) }
        let (pieces, piece) = AsyncStream.makeStream(of: [UInt8].self)
        out.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty { piece.finish() } else { piece.yield(Array(data)) }
        }
        let group = Mutex<pid_t>(0)
        return try await withTaskCancellationHandler {
            try process.run()
            group.withLock { $0 = process.processIdentifier }
            if Task.isCancelled { Self.end(group.withLock { $0 }) }
            for await bytes in pieces { try await request.onOutput?(OutputPiece(stream: .stdout, bytes: bytes)) }
            out.fileHandleForReading.readabilityHandler = nil
            var status: Int32 = 0
            for await value in ends {
                status = value
                break
            }
            try Task.checkCancellation()
            var words = CapturedOutput()
            err.fileHandleForReading.readDataToEndOfFile().withUnsafeBytes { words.append($0) }
            words.finish()
            return CommandResult(
                command: "poll", outcome: .exited(Int(status)), stdout: CapturedOutput(), stderr: words, duration: .zero)
        } onCancel: {
            Self.end(group.withLock { $0 })
        }
    }

    /// The shell leads a session of its own when setsid did not have to fork for it, so its group is the process.
    private static func end(_ group: pid_t) {
        if group > 0 { kill(-group, SIGKILL); kill(group, SIGKILL) }
    }
}
