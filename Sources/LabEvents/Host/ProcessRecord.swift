import Crypto
import FoundationEssentials

/// What identifies a process for as long as the host is up: a pid alone may be another's by tomorrow.
public struct ProcessRecord: Equatable, Sendable, Codable {
    /// The process id.
    public var pid: Int32
    /// When it started, in clock ticks since the host's boot: field 22 of /proc/PID/stat (proc(5)). It does not change at exec.
    public var startTime: UInt64
    /// SHA-256 over its arguments, in hexadecimal.
    public var argumentsDigest: String

    /// A record from its parts.
    public init(pid: Int32, startTime: UInt64, argumentsDigest: String) {
        self.pid = pid
        self.startTime = startTime
        self.argumentsDigest = argumentsDigest
    }

    /// The record of a child that was started with a command, its program first, and that nobody has waited for yet: its entry in /proc is
    /// then there even if it has ended already.
    public init(pid: Int32, command: [String]) {
        let digest = SHA256.hash(names: command).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.init(pid: pid, startTime: Self.startTime(pid: pid) ?? 0, argumentsDigest: digest)
    }

    /// The start time of a process; nil when there is none of that pid.
    public static func startTime(pid: Int32) -> UInt64? {
        field(22, pid: pid).flatMap { UInt64($0) }
    }

    /// The pid of a process's parent; nil when there is no process of that pid.
    static func parent(pid: Int32) -> Int32? {
        field(4, pid: pid).flatMap { Int32($0) }
    }

    /// Whether a process is gone, or a zombie whose last thread has closed its files: one is a zombie by its first thread alone.
    public static func hasLetGo(pid: Int32) -> Bool {
        guard let state = field(3, pid: pid), let threads = field(20, pid: pid) else { return true }
        return state == "X" || (state == "Z" && (threads == "0" || threads == "1"))
    }

    /// A field of /proc/PID/stat by its number in proc(5), from the third on.
    private static func field(_ number: Int, pid: Int32) -> Substring? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return nil }
        // The second field is the program's name in parentheses and may hold anything, also parentheses: count from the last one.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > number - 3 ? fields[number - 3] : nil
    }
}
