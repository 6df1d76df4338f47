import Foundation
import Glibc
import Synchronization

/// A program that a test started, with what it says in two files.
final class Program: Sendable {
    enum End: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let words: [String]
    let pid: Int32
    private let output: String
    private let errors: String
    private let finished = Mutex<End?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - words: its absolute path and its arguments.
    ///   - log: where its output goes: this path with `.out` and `.err`.
    ///   - terminal: the path of a terminal that becomes the program's own, for its output too; the two files otherwise.
    init(_ words: [String], environment: [String: String], log: String, terminal: String? = nil) throws {
        self.words = words
        (output, errors) = (log + ".out", log + ".err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let terminal {
            // The leader of a session gets the first terminal that it opens as its controlling one.
            posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
            posix_spawn_file_actions_adddup2(&actions, 0, 2)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // A session of its own, as a user's shell gives a job a group of its own.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | 0x80 /* POSIX_SPAWN_SETSID */)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, words[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw Failure(description: "\(words[0]) cannot be started: \(String(cString: strerror(code)))") }
        self.pid = pid
    }

    var stdout: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }
    var stderr: String { (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "" }

    /// How it ended; nil while it runs.
    var end: End? {
        finished.withLock { finished in
            if let finished { return finished }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            let signal = status & 0x7F
            finished = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
            return finished
        }
    }

    /// Sends it a signal; nothing happens when it has ended.
    func send(_ signal: Int32) {
        // Not yet collected, its id is nobody else's.
        if end == nil { kill(pid, signal) }
    }

    /// Waits for its end.
    func wait(_ limit: Duration = .hang) async throws -> End {
        try await Poll.until("\(words.joined(separator: " ")) ends", limit) { self.end }
    }
}
