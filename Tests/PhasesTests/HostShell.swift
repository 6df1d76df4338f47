import Foundation
import Glibc
import Synchronization

@testable import GuestShell

/// Runs requests in a shell of the host, as a guest's worker would.
struct HostShell: Sendable {
    var program = ["/bin/bash", "--norc"]

    /// A shell without what bash adds to POSIX.
    static let posix = HostShell(program: ["/bin/dash"])

    private enum Event: Sendable {
        case output([UInt8])
        case end(Int32)
    }

    func execute(_ request: CommandRequest) async throws -> CommandResult {
        let (events, event) = AsyncStream.makeStream(of: Event.self)
        let child = try spawn(program + ["-c", request.command])
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while case let count = read(child.output, &buffer, buffer.count), count > 0 { event.yield(.output(Array(buffer[..<count]))) }
            close(child.output)
            var status: Int32 = 0
            waitpid(child.process, &status, 0)
            event.yield(.end(status))
            event.finish()
        }
        do {
            for await event in events {
                switch event {
                case .output(let bytes): try await request.onOutput?(OutputPiece(stream: .stdout, bytes: bytes))
                case .end(let status):
                    let outcome: CommandResult.Outcome = status & 0x7F == 0 ? .exited(Int(status >> 8)) : .signalled(Int(status & 0x7F))
                    return CommandResult(
                        command: "poll", outcome: outcome, stdout: CapturedOutput(), stderr: CapturedOutput(), duration: .zero)
                }
            }
            throw CancellationError()
        } catch {
            // It leads a process group of its own.
            kill(-child.process, SIGKILL)
            throw error
        }
    }

    private func spawn(_ arguments: [String]) throws -> (process: pid_t, output: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        guard posix_spawn(&process, arguments[0], &actions, &attributes, &words, environ) == 0 else { throw POSIXError(.ENOENT) }
        return (process, ends[0])
    }
}
