import FoundationEssentials
import Glibc

/// `POSIX_SPAWN_SETSID` of glibc's spawn.h, which Swift does not import because it is a GNU extension.
private let setSession: Int32 = 0x80

extension ChildProcess {
    /// Starts a program in a session of its own, so that Ctrl-C at a terminal reaches its parent alone. It inherits nothing but the three
    /// standard descriptors, and the environment with `LC_ALL=C`, so that its words are those that are looked for.
    ///
    /// - Parameters:
    ///   - command: the program's absolute path, or a name to look for on PATH, and its arguments.
    ///   - input: the descriptor that becomes its standard input; the caller closes its own.
    ///   - log: the file to which its standard output and error are appended; made where it is missing.
    /// - Throws: a problem of kind `failure` when the log cannot be opened or the program cannot be run.
    public static func start(_ command: [String], input: Int32, log: String) throws(Problem) -> ChildProcess {
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard output >= 0 else {
            throw Problem(.failure, "cannot open the log of a process", location: log, why: String(cString: strerror(errno)))
        }
        defer { close(output) }
        var pid: Int32 = 0
        let code = spawn(command, input: input, output: output, pid: &pid)
        guard code == 0 else {
            throw Problem(
                .failure, "cannot run a program", location: command.first ?? "no command", why: String(cString: strerror(code)))
        }
        let child = ChildProcess(record: ProcessRecord(pid: pid, command: command))
        do throws(Problem) {
            try child.watch()
        } catch {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
        return child
    }

    /// - Returns: 0, or the number of the error.
    private static func spawn(_ command: [String], input: Int32, output: Int32, pid: inout Int32) -> Int32 {
        guard let program = command.first else { return EINVAL }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        // What this process ignores (SIGPIPE, often) would stay ignored in the child.
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(setSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // One of our own without close-on-exec may be another child's lifeline: between an exec of this process and the attaching.
        for descriptor in openDescriptors where descriptor > 2 { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var environment = ProcessInfo.processInfo.environment
        environment["LC_ALL"] = "C"
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        return posix_spawnp(&pid, program, &actions, &attributes, &arguments, &variables)
    }

    private static var openDescriptors: [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap { Int32($0) }
    }
}
