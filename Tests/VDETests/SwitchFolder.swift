import Foundation
import Glibc
import LabEvents

@testable import VDE

/// A folder for the sockets of one test, gone after it.
struct SwitchFolder {
    var path: String

    /// Makes the folder in TMPDIR, which `ci/test` removes when a run is interrupted, and lends it to the body.
    static func with<Result>(_ body: (SwitchFolder) async throws -> Result) async throws -> Result {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let folder = SwitchFolder(path: base + "/vde-" + String(UUID().uuidString.prefix(8)).lowercased())
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        return try await body(folder)
    }

    /// A switch in a folder of its own.
    static func withSwitch(
        ports: Int = 8, callLimit: Duration = .seconds(10), _ body: (VDESwitch) async throws -> Void
    ) async throws {
        try await with { folder in
            var options = folder.options
            options.callLimit = callLimit
            try await withVDESwitch(folder.configuration(ports: ports), options: options, body: body)
        }
    }

    func configuration(ports: Int = 8) -> SwitchConfiguration {
        SwitchConfiguration(name: "lan", socketFolder: path + "/s", managementSocket: path + "/m", ports: ports)
    }

    var options: SwitchOptions { SwitchOptions(log: log) }
    var log: String { path + "/log" }

    /// What is in the folder, without the log.
    var leftovers: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0 != "log" } }

    var words: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
}
