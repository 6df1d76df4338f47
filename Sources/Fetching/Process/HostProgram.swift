import LabEvents
import Subprocess
import SystemPackage

/// A program of the host that works for one fetch. It ends with this process, however that ends, and with the task that runs it.
struct HostProgram: Sendable {
    /// Its absolute path.
    var path: String
    /// Its environment.
    var environment: [String: String]

    /// A finished program.
    struct Outcome: Sendable {
        /// How it ended.
        var exit: ProcessExit
        /// What it wrote on standard output, where that was kept.
        var output: String
        /// What it wrote on standard error, at most 64 KiB.
        var errors: String
    }

    /// Runs it to its end, and keeps what it says.
    func output(_ arguments: [String], input: String) async throws -> Outcome {
        let file = try SecretInput.open(input)
        defer { try? file.close() }
        return try await self.output(arguments, input: file)
    }

    /// Runs it to its end, and keeps what it says.
    func output(_ arguments: [String], input: FileDescriptor) async throws -> Outcome {
        var bytes: [UInt8] = []
        var outcome = try await run(arguments, input: input) { piece in
            if bytes.count < 1 << 20 { bytes += piece }
            return true
        }
        outcome.output = String(decoding: bytes, as: UTF8.self)
        return outcome
    }

    /// Runs it; `onOutput` sees its standard output as it comes, and ends the program by returning false.
    ///
    /// - Parameter input: its standard input; the caller closes it.
    /// - Throws: a ``Problem`` when it cannot be started; what `onOutput` throws; `CancellationError` when the task is cancelled.
    func run(_ arguments: [String], input: FileDescriptor, onOutput: ([UInt8]) async throws -> Bool) async throws -> Outcome {
        // A signal by the kernel when the thread that started it is gone; the library starts all children from one that lives as long as the process.
        let guardian = try HostTool(name: "setpriv", package: "util-linux").locate()
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2))]
        var variables: [Environment.Key: String] = [:]
        for (key, value) in environment where !key.hasPrefix("VMLAB_") { variables[Environment.Key(stringLiteral: key)] = value }
        variables["LC_ALL"] = "C"
        let result = try await Subprocess.run(
            .path(FilePath(guardian)), arguments: Arguments(["--pdeathsig", "KILL", "--", path] + arguments),
            environment: .custom(variables), platformOptions: options,
            input: .fileDescriptor(input, closeAfterSpawningProcess: false), output: .sequence, error: .string(limit: 1 << 20)
        ) { execution in
            var isEnough = false
            for try await piece in execution.standardOutput where !isEnough {
                guard try await onOutput(piece.withUnsafeBytes { Array($0) }) else {
                    isEnough = true
                    await execution.teardown(using: [])
                    continue
                }
            }
        }
        try Task.checkCancellation()
        let exit: ProcessExit =
            switch result.terminationStatus {
            case .exited(let code): .exited(code)
            case .signaled(let signal): .signalled(signal)
            }
        return Outcome(exit: exit, output: "", errors: String(result.standardError.suffix(1 << 16)))
    }
}
