public import LabEvents
import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
public struct SwitchConfiguration: Sendable, Codable, Equatable {
    var name: String, socket: String, managementSocket: String, ports: Int
    public init(name: String, socket: String, managementSocket: String, ports: Int) { (self.name, self.socket, self.managementSocket, self.ports) = (name, socket, managementSocket, ports) }
}
public struct SwitchOptions: Sendable { var log: String; public var launcher: [String] = []; public init(log: String) { self.log = log } }
public final class VDESwitch: Sendable {
    public let record: ProcessRecord
    public let lifeline: Int32
    let ends = EventHistory<ProcessExit>()
    init(record: ProcessRecord, lifeline: Int32) { (self.record, self.lifeline) = (record, lifeline) }
    public func waitForExit() async -> ProcessExit? { for await e in ends { return e }; return nil }
    public func tables() async throws -> String { "" }
}
public func withVDESwitch<R: Sendable>(_ c: SwitchConfiguration, options: SwitchOptions, body: (VDESwitch) async throws -> R) async throws -> R {
    var e: [Int32] = [0, 0]
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &e)
    var p = PlatformOptions(); p.createSession = true
    let words = options.launcher + ["/usr/bin/vde_switch", "-s", c.socket, "-M", c.managementSocket, "-n", "\(c.ports)", "-m", "600"]
    defer { close(e[0]); try? FileManager.default.removeItem(atPath: c.socket); unlink(c.managementSocket) }
    return try await Subprocess.run(.path(FilePath(words[0])), arguments: Arguments(Array(words.dropFirst())), platformOptions: p, input: .fileDescriptor(FileDescriptor(rawValue: e[0]), closeAfterSpawningProcess: false), output: .discarded, error: .discarded) { x in
        let pid = x.processIdentifier.value
        let s = VDESwitch(record: ProcessRecord(pid: pid, startTime: ProcessRecord.startTime(pid: pid) ?? 0, argumentsDigest: ""), lifeline: e[1])
        while access(c.managementSocket, F_OK) != 0 { try await Task.sleep(for: .milliseconds(10)) }
        async let _: Void = {
            while !Task.isCancelled {
                let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ") Z"
                if stat.contains(") Z") { return s.ends.append(.signalled(9)) }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }()
        let r: Result<R, any Error>
        do { r = .success(try await body(s)) } catch { r = .failure(error) }
        close(e[1])
        s.ends.finish()
        return r
    }.closureResult.get()
}
public func withAttachedVDESwitch<R: Sendable>(_ c: SwitchConfiguration, record: ProcessRecord, lifeline: Int32, options: SwitchOptions, body: (VDESwitch) async throws -> R) async throws -> R {
    defer { close(lifeline) }
    return try await body(VDESwitch(record: record, lifeline: lifeline))
}
