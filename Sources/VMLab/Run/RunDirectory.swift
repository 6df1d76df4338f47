public import FoundationEssentials
import Glibc
public import LabEvents

/// The folders of one run: one for what is worth keeping, and a short one for sockets.
///
/// Layout: `STATE/runs/ID/` is the run directory, `STATE/runs/latest` links to the newest. `RUNTIME/ID/` has the sockets and the records of processes, and
/// exists only while the lab does. The two link to each other (`sockets` and `run`), so that a lab is found from either side, whatever `--state-dir` said.
public struct RunDirectory: Sendable, Equatable {
    /// `YYYYMMDD-HHMMSS-` in UTC and six random hexadecimal digits.
    public let identifier: String
    /// Logs and other evidence.
    public let path: String
    /// Sockets and process records; mode 0700, short because a socket's path has at most 107 bytes (unix(7)).
    public let sockets: String

    /// Makes the folders of a new run, and takes its lock before anybody can see them.
    ///
    /// - Parameters:
    ///   - state: where runs are kept; ``defaultState(environment:)`` by default.
    ///   - now: the time in the identifier.
    /// - Throws: a ``Problem`` when they cannot be made: no permission, or a full disk.
    public static func make(
        state: String = defaultState(), environment: [String: String] = ProcessInfo.processInfo.environment, now: Date = Date()
    ) throws(Problem) -> (run: RunDirectory, lock: RunLock) {
        let identifier = Self.identifier(now: now)
        let state = absolute(state)
        let run = RunDirectory(
            identifier: identifier, path: "\(state)/runs/\(identifier)", sockets: "\(try runtime(environment))/\(identifier)"
        )
        for path in [run.path, run.sockets, run.processes] {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
                )
            } catch {
                run.remove()
                throw problem(path, error)
            }
        }
        do throws(Problem) {
            let lock = try RunLock.take(run)
            try link(run.sockets, at: run.path + "/sockets")
            // Whoever cleans up after dead owners follows this one, and finds the lock held.
            try link(run.path, at: run.sockets + "/run")
            try link(identifier, at: "\(state)/runs/latest")
            return (run, lock)
        } catch {
            run.remove()
            throw error
        }
    }

    /// `$VMLAB_STATE`, else `$XDG_STATE_HOME/vmlab`, else `~/.local/state/vmlab`.
    public static func defaultState(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let state = environment["VMLAB_STATE"], !state.isEmpty { return state }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/vmlab" }
        return (environment["HOME"] ?? "/root") + "/.local/state/vmlab"
    }

    /// Where each process of the run is recorded, for the watchdog: a file `NAME` with `PID STARTTIME`.
    var processes: String { sockets + "/processes" }
    /// What ``processes`` is called while the processes of a dead owner are ended: none can be recorded any more, so none begins.
    var endedProcesses: String { sockets + "/ended" }
    /// The control socket.
    public var control: String { sockets + "/control" }
    /// The file whose lock the owner holds.
    var lockFile: String { path + "/lock" }
    /// The folder of a node's evidence.
    public func node(_ name: String) -> String { "\(path)/nodes/\(name)" }

    /// Removes the folder of sockets and records.
    public func removeSockets() {
        try? FileManager.default.removeItem(atPath: sockets)
    }

    /// Removes everything, evidence too.
    public func remove() {
        removeSockets()
        try? FileManager.default.removeItem(atPath: path)
        let latest = path.prefix(path.count - identifier.count) + "latest"
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: String(latest))) == identifier { unlink(String(latest)) }
    }

    /// Puts a symbolic link in place, atomically if one is there already.
    static func link(_ target: String, at path: String) throws(Problem) {
        let fresh = "\(path).\(UInt32.random(in: 0 ... .max))"
        guard symlink(target, fresh) == 0, rename(fresh, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(fresh)
            throw Problem(.failure, "cannot make a link in the run directory", location: path, why: reason)
        }
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    private static func identifier(now: Date) -> String {
        var seconds = time_t(now.timeIntervalSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func pad(_ number: Int32, _ width: Int = 2) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let random = String(UInt32.random(in: 0..<(1 << 24)) | (1 << 24), radix: 16).dropFirst()
        return "\(pad(parts.tm_year + 1900, 4))\(pad(parts.tm_mon + 1))\(pad(parts.tm_mday))-"
            + "\(pad(parts.tm_hour))\(pad(parts.tm_min))\(pad(parts.tm_sec))-\(random)"
    }

    /// A folder of this user's for sockets: XDG_RUNTIME_DIR when it is there and short, else one in /tmp that nobody else may enter.
    static func runtime(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(Problem) -> String {
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), runtime.utf8.count <= 40, access(runtime, W_OK | X_OK) == 0
        {
            return runtime + "/vmlab"
        }
        let base = "/tmp/vmlab-\(getuid())"
        guard mkdir(base, 0o700) == 0 || errno == EEXIST else { throw problem(base, Problem(.failure, String(cString: strerror(errno)))) }
        var status = stat()
        guard lstat(base, &status) == 0, status.st_uid == getuid(), status.st_mode & S_IFMT == S_IFDIR else {
            throw Problem(
                .invalidInput, "the folder for sockets belongs to somebody else", location: base,
                remedy: "set XDG_RUNTIME_DIR to a folder of yours with a short path"
            )
        }
        chmod(base, 0o700)
        return base
    }

    private static func problem(_ path: String, _ error: any Error) -> Problem {
        if let code = (error as? CocoaError)?.code, code == .fileWriteOutOfSpace {
            return .environment(
                .diskFull, "no space for the run's folder", location: path, remedy: "free space there, or set --state-dir to another disk"
            )
        }
        return Problem(
            .invalidInput, "the run's folder cannot be made", location: path, why: "\(error)",
            remedy: "set --state-dir to a folder of yours")
    }
}
