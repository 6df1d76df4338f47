import Foundation
import Subprocess
import SystemPackage
import Testing

/// Examples/EdgePlatform, as a user has it: a package of its own that links the command line.
@Suite("The example package", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct ExamplePackageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let folder = root.appending(path: "Examples/EdgePlatform").path
    /// Where these tests were built.
    private static let products = Bundle.main.bundleURL.resolvingSymlinksInPath()

    @Test("builds, and its scenario and the same as a script of verbs have the same verdicts")
    func verdicts() async throws {
        let program = try await Self.build()
        try await CommandLine.with { command in
            var example = command
            (example.executable, example.folder) = (program, Self.folder)
            let list = try await example.succeed("profile", "list")
            #expect(list.contains("edge-site"))
            var script = example
            script.executable = Self.folder + "/telemetry.sh"
            var seen: [String] = []
            for (scenario, words) in [("telemetry", []), ("telemetry-outage", ["--outage"])] {
                let swift = try await example.run(["run", scenario])
                let bash = try await script.run(words, environment: ["VMLAB": program])
                #expect(swift.code == (scenario == "telemetry" ? 0 : 1), "\(swift.stderr)")
                #expect(bash.code == swift.code, "\(bash.stderr)")
                let cause = try Self.cause(example.path(swift.run))
                #expect(Self.problem(in: bash.stderr) == cause)
                // Both did what they are about, in a lab each.
                let runs = try FileManager.default.contentsOfDirectory(atPath: example.state + "/runs").filter { $0 != "latest" }
                let other = try #require(runs.first { !seen.contains($0) && $0 != swift.run })
                seen += [swift.run, other]
                if scenario == "telemetry" {
                    #expect(cause == nil)
                    for run in [swift.run, other] { #expect(try Self.readings(example, run) == 1, "\(run)") }
                } else {
                    #expect(
                        cause?.hasPrefix("budget 'wait' is used up: sensor-1: http://10.20.0.1:8080/health answers") == true,
                        "\(cause ?? "")")
                }
                #expect(try example.events(other).last?["state"] as? String == "down", "the script leaves its lab behind")
            }
        }
    }

    /// Builds the example where these tests were built: what is built of vmlab is taken as it is, which saves minutes.
    private static func build() async throws -> String {
        let scratch = products.deletingLastPathComponent().deletingLastPathComponent().path
        // The versions that the rest was built with; without this file all would be asked for anew.
        let versions = folder + "/Package.resolved"
        try? FileManager.default.removeItem(atPath: versions)
        try FileManager.default.copyItem(atPath: root.path + "/Package.resolved", toPath: versions)
        // SwiftPM keeps one plan in a folder, and believes it to be of whatever package it is asked for next.
        let plan = products.appending(path: "description.json")
        try? FileManager.default.removeItem(at: plan)
        defer {
            try? FileManager.default.removeItem(at: plan)
            try? FileManager.default.removeItem(atPath: versions)
        }
        let words = [
            "swift", "build", "--package-path", folder, "--scratch-path", scratch, "--configuration", products.lastPathComponent,
            "--product",
            // `swift test` holds the lock of the folder, and waits for us.
            "edge-platform", "--ignore-lock",
        ]
        let begin = ContinuousClock.now
        let built = try await Subprocess.run(
            .path("/usr/bin/env"), arguments: Arguments(words), output: .string(limit: 4 << 20), error: .combinedWithOutput)
        try #require(built.terminationStatus == .exited(0), "\(built.standardOutput.suffix(4000))")
        print("example package: built in \(begin.duration(to: .now))")
        return products.appending(path: "edge-platform").path
    }

    private static func cause(_ run: String) throws -> String? {
        struct Result: Decodable { var cause: String? }
        return try JSONDecoder().decode(Result.self, from: Data(contentsOf: URL(filePath: run + "/result.json"))).cause
    }

    /// How often the sensor sent its reading in a run.
    private static func readings(_ command: CommandLine, _ run: String) throws -> Int {
        try command.events(run).count { event in
            event["node"] as? String == "sensor-1" && event["outcome"] as? String == "exit 0"
                && (event["command"] as? String)?.contains("echo 21.5 >/dev/tcp/10.20.0.1/7000") == true
        }
    }

    private static func problem(in errors: String) -> String? {
        errors.split(separator: "\n").last { $0.hasPrefix("error: ") }.map { String($0.dropFirst("error: ".count)) }
    }
}
