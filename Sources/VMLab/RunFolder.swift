public import FoundationEssentials
import Glibc
public import LabEvents
import QEMU

/// The folders of one run: one for what is worth keeping, and a short one for sockets.
public struct RunFolder: Sendable {
    /// `YYYYMMDD-HHMMSS-` in UTC and six random hexadecimal digits.
    public let identifier: String
    /// Logs and other evidence.
    public let path: String
    /// Sockets and process records; mode 0700, short because a socket's path has at most 107 bytes (unix(7)).
    public let sockets: String

    /// Makes the folders.
    ///
    /// - Parameters:
    ///   - state: where runs are kept; ``defaultState(environment:)`` by default.
    ///   - now: the time in the identifier.
    /// - Throws: a ``Problem`` when they cannot be made: no permission, or a full disk.
    public static func make(
        state: String = defaultState(), environment: [String: String] = ProcessInfo.processInfo.environment, now: Date = Date()
    ) throws(Problem) -> RunFolder {
        let identifier = Self.identifier(now: now)
        let folder = RunFolder(
            identifier: identifier, path: "\(state)/runs/\(identifier)", sockets: "\(try socketBase(environment))/\(identifier)"
        )
        for path in [folder.path, folder.sockets, folder.processes] {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
                )
            } catch {
                folder.remove(keepingEvidence: false)
                throw Self.problem(path, error)
            }
        }
        return folder
    }

    /// `$VMLAB_STATE`, else `$XDG_STATE_HOME/vmlab`, else `~/.local/state/vmlab`.
    public static func defaultState(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let state = environment["VMLAB_STATE"], !state.isEmpty { return state }
        if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return state + "/vmlab" }
        return (environment["HOME"] ?? "/root") + "/.local/state/vmlab"
    }

    /// Where each process of the run is recorded, for the guard.
    var processes: String { sockets + "/processes" }

    /// Removes the sockets, and the evidence too unless it is to be kept.
    public func remove(keepingEvidence: Bool) {
        try? FileManager.default.removeItem(atPath: sockets)
        if !keepingEvidence { try? FileManager.default.removeItem(atPath: path) }
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
    private static func socketBase(_ environment: [String: String]) throws(Problem) -> String {
        if let runtime = environment["XDG_RUNTIME_DIR"], !runtime.isEmpty, runtime.utf8.count <= 40, access(runtime, W_OK | X_OK) == 0 {
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
                .diskFull, "no space for the run's folder", location: path, remedy: "free space there, or set VMLAB_STATE to another disk"
            )
        }
        return Problem(
            .invalidInput, "the run's folder cannot be made", location: path, why: "\(error)",
            remedy: "set VMLAB_STATE to a folder of yours")
    }
}
