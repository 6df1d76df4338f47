import LabEvents
import Subprocess
import SystemPackage

/// Runs the host's tools one after another, keeps what they print in a log file, and turns their failures into problems.
struct ToolRunner: Sendable {
    /// Where programs are looked for.
    var tools: HostTools
    /// Where the output of every command goes, after a line with the command itself. Nil: nowhere.
    var log: FilePath?
    /// The folder for the temporary files of the tools; nil: their default.
    var temporaryFolder: String?

    /// A finished command.
    struct Outcome {
        var status: TerminationStatus
        /// The last lines that it printed.
        var tail: [String]
        /// All that it printed, where the caller wanted it.
        var output: String

        var succeeded: Bool { status.isSuccess }

        /// Whether it stopped for want of space.
        var lacksSpace: Bool { tail.contains { $0.contains("No space left on device") || $0.contains("Disk full") } }
    }

    /// Runs `command` and returns what it printed (both streams).
    ///
    /// - Throws: ``Problem`` when it fails: `env: disk-full` where it lacked space, else `failure` with its last lines.
    @discardableResult
    func run(_ command: [String], input: String = "", in folder: String? = nil) async throws -> String {
        let outcome = try await outcome(command, input: input, in: folder, keepOutput: true)
        guard outcome.succeeded else { throw Self.problem(command, outcome) }
        return outcome.output
    }

    /// Runs `command` to its end, whatever that is; `onLine` sees each line as it comes.
    ///
    /// The command has a session of its own. Cancelling sends it SIGTERM, so that it can clean up, and SIGKILL five seconds later.
    func outcome(
        _ command: [String], input: String = "", environment: [String: String] = [:], in folder: String? = nil, keepOutput: Bool = false,
        onLine: (String) -> Void = { _ in }
    ) async throws -> Outcome {
        guard let name = command.first, let path = tools.find(name) else {
            try tools.require([command.first ?? "?"], for: "building an image")
            throw CancellationError()
        }
        var variables: [Environment.Key: String?] = ["PATH": tools.searchPath.joined(separator: ":"), "LC_ALL": "C.UTF-8", "LANGUAGE": nil]
        if let temporaryFolder { variables["TMPDIR"] = temporaryFolder }
        for (key, value) in environment { variables[Environment.Key(stringLiteral: key)] = value }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(5))]
        let log = try log.map {
            try FileDescriptor.open($0, .writeOnly, options: [.append, .create], permissions: [.ownerReadWrite, .groupRead, .otherRead])
        }
        defer { try? log?.close() }
        Self.append("+ \(command.joined(separator: " "))", to: log)
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(Array(command.dropFirst())), environment: .inherit.updating(variables),
            workingDirectory: folder.map { FilePath($0) }, platformOptions: options, input: .string(input), output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            var (tail, output): ([String], String) = ([], "")
            for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) {
                Self.append(line, to: log)
                onLine(line)
                tail.append(line)
                if tail.count > 20 { tail.removeFirst() }
                if keepOutput { output += line + "\n" }
            }
            return (tail, output)
        }
        // A cancelled command has been ended by us; its exit status is then no news.
        try Task.checkCancellation()
        return Outcome(
            status: result.terminationStatus, tail: result.closureResult.0,
            output: result.closureResult.1)
    }

    /// The problem that a failed command is.
    static func problem(_ command: [String], _ outcome: Outcome) -> Problem {
        let name = command.first ?? "?"
        let words = outcome.tail.filter { !$0.isEmpty }.suffix(8).joined(separator: "\n")
        guard !outcome.lacksSpace else { return diskFull(while: "running \(name)", why: words) }
        return Problem(
            .failure, "\(name) failed while an image was built", location: command.joined(separator: " "),
            why: "\(outcome.status)\n\(words)",
            remedy: "correct what it complains about and build again")
    }

    /// The problem of a file system that filled up.
    static func diskFull(while doing: String, at path: String? = nil, why: String) -> Problem {
        .environment(
            .diskFull, "no space left while \(doing)", location: path, why: why,
            remedy: "free some space there, or set VMLAB_CACHE to a folder on a larger file system")
    }

    /// The log is evidence, not the work: a log that cannot be written (a full disk, most likely) must not hide the command's own complaint.
    private static func append(_ line: String, to log: FileDescriptor?) { _ = try? log?.writeAll((line + "\n").utf8) }
}
