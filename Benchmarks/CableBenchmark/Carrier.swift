import Foundation
import Glibc
import LabEvents
import VDE

/// What joins the two switches, in a process of its own.
enum Carrier: String, Sendable {
    case wirefilter, cable

    /// Starts it between the ports 2 of the switches `a` and `b`, and ends it.
    func run<Result: Sendable>(in folder: String, _ body: (ChildProcess) async throws -> Result) async throws -> Result {
        let command =
            switch self {
            case .wirefilter:
                [
                    try HostTool.wirefilter.locate(), "-v", "\(folder)/a[2]:\(folder)/b[2]", "-M", "\(folder)/w", "--mgmtmode", "0600",
                ]
            case .cable:
                [
                    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"), "carry", "\(folder)/a", "2", "\(folder)/b",
                    "2",
                ]
            }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Problem(.failure, "cannot make a pair of sockets", why: String(cString: strerror(errno)))
        }
        // Both end when their standard input does, also when this process is killed.
        let process = try ChildProcess.start(command, input: ends[1], log: folder + "/log")
        close(ends[1])
        let outcome: Swift.Result<Result, any Error>
        do { outcome = .success(try await body(process)) } catch { outcome = .failure(error) }
        close(ends[0])
        await process.end(after: .seconds(2))
        try? FileManager.default.removeItem(atPath: folder + "/w")
        return try outcome.get()
    }
}

/// The processor time that all threads of a process have used.
struct CarrierTime: Sendable {
    private var nanoseconds = 0.0

    /// No time.
    init() {}

    init(_ process: ChildProcess) {
        let folder = "/proc/\(process.record.pid)/task"
        for thread in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let text = (try? String(contentsOfFile: "\(folder)/\(thread)/schedstat", encoding: .utf8)) ?? ""
            nanoseconds += text.split(separator: " ").first.flatMap { Double($0) } ?? 0
        }
    }

    func microseconds(since earlier: CarrierTime) -> Double { (nanoseconds - earlier.nanoseconds) / 1000 }
}

extension HostTool {
    /// What joins two switches; vmlab's own cables have taken its place.
    static let wirefilter = HostTool(name: "wirefilter", package: "vde-wirefilter")
}
