import Foundation
import Glibc
import Subprocess
import SystemPackage
import Testing

/// The built executable, used as a person would.
struct CommandLine: Sendable {
    /// Where its runs are kept.
    let state: String
    var executable = Self.built
    /// Where it is started; nil for here.
    var folder: String?

    /// The executable beside the tests.
    static let built = Bundle.main.bundleURL.appending(path: "vmlab").path

    struct Outcome: Sendable {
        var code: Int
        var stdout: String
        var stderr: String

        /// The run id that `vmlab run` prints first.
        var run: String { stdout.split(separator: "\n").first.map { String($0.dropFirst("run ".count)) } ?? "" }
    }

    /// Gives a folder for runs to `body`; ends what lives there afterwards.
    static func with<Result>(name: String = UUID().uuidString, _ body: (CommandLine) async throws -> Result) async throws -> Result {
        let state = FileManager.default.temporaryDirectory.path + "/" + name
        let command = CommandLine(state: state)
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(command)) } catch { result = .failure(error) }
        let runs = ((try? FileManager.default.contentsOfDirectory(atPath: state + "/runs")) ?? []).filter { $0 != "latest" }
        if !runs.isEmpty { _ = try await command.run(["down"] + runs) }
        try? FileManager.default.removeItem(atPath: state)
        return try result.get()
    }

    /// Runs a verb to its end.
    func run(_ arguments: [String], environment: [String: String] = [:], input: String = "") async throws -> Outcome {
        var variables: [Environment.Key: String] = ["VMLAB_STATE": state]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments(arguments),
            environment: .inherit.updating(variables.mapValues { Optional($0) }), workingDirectory: folder.map { FilePath($0) },
            input: .string(input), output: .string(limit: 16 << 20), error: .string(limit: 16 << 20))
        let code =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): 128 + Int(signal)
            }
        return Outcome(code: code, stdout: result.standardOutput, stderr: result.standardError)
    }

    /// Runs a verb that must succeed.
    @discardableResult
    func succeed(_ arguments: String..., environment: [String: String] = [:], input: String = "") async throws -> String {
        let outcome = try await run(arguments, environment: environment, input: input)
        try #require(outcome.code == 0, "\(arguments): \(outcome.code)\n\(outcome.stdout)\n\(outcome.stderr)")
        return outcome.stdout
    }

    /// Runs a verb, and sends it SIGINT, as Ctrl-C does, when `body` has returned.
    ///
    /// - Parameter body: is given the path of the verb's standard output.
    func interrupt(_ arguments: [String], when body: (String) async throws -> Void) async throws -> Outcome {
        let note = state + "/" + UUID().uuidString
        var shell = self
        shell.executable = "/bin/sh"
        let starter = shell
        async let ended = starter.run(["-c", #"echo $$ >"$0" && exec "$@" >"$0.out""#, note, executable] + arguments)
        try await body(note + ".out")
        let text = try String(contentsOfFile: note, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        kill(try #require(Int32(text)), SIGINT)
        var outcome = try await ended
        outcome.stdout = try String(contentsOfFile: note + ".out", encoding: .utf8)
        return outcome
    }

    /// The folder of a run.
    func path(_ run: String) -> String { "\(state)/runs/\(run)" }

    /// The run's events, console lines left out.
    func events(_ run: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path(run) + "/events.jsonl", encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["type"] as? String != "console" }
    }
}
