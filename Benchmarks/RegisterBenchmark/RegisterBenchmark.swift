import ArgumentParser
import BuildRegistry
import Foundation
import LabEvents

/// Compares registering a file with `sha256sum` of it, in turns.
@main
struct RegisterBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "RegisterBenchmark",
        abstract: "Measure how long it takes to register a file, fsync included, and `sha256sum` of the same file, in turns.",
        discussion:
            "The target is met unless the median ratio is over it. Exit codes: 0 the target is met, 1 it is missed or something failed, 2 invalid input."
    )

    @Option(help: "The size of the file, MB.")
    var megabytes = 1000

    @Option(help: "How often each is measured.")
    var rounds = 5

    @Option(help: "What registering may cost at most, as a multiple of sha256sum.")
    var atMost = 1.3

    @Option(help: ArgumentHelp("Where the file and the registry lie; default: a temporary folder.", valueName: "folder"))
    var folder: String?

    func validate() throws {
        if megabytes < 1 { throw ValidationError("--megabytes \(megabytes): choose at least 1") }
        if rounds < 1 { throw ValidationError("--rounds \(rounds): choose at least 1") }
    }

    private static let matrix = """
        groups:
          - name: benchmark
            builder: import
            axes: {role: [benchmark], machine: [any], boot: [flash], arch: [amd64]}
            outputs:
              file: {patterns: [file], format: any, size: 1-64G}
        """

    func run() async throws {
        let place = URL(filePath: folder ?? NSTemporaryDirectory()).appending(path: "vmlab-register-\(getpid())")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        do {
            let ratio = try await measure(in: place.path)
            print("median ratio \(Self.rounded(ratio)), at most \(atMost) is wanted: \(ratio <= atMost ? "met" : "missed")")
            guard ratio <= atMost else { throw ExitCode(1) }
        } catch let problem as Problem {
            FileHandle.standardError.write(Data((problem.description + "\n").utf8))
            throw ExitCode(problem.exitCode)
        }
    }

    private func measure(in place: String) async throws -> Double {
        let file = place + "/file"
        try await Self.run(["/bin/sh", "-c", "head -c \(megabytes)000000 /dev/urandom >'\(file)'"], log: place + "/log")
        let variant = try VariantMatrix(yaml: Self.matrix, file: place + "/variants.yaml").variants[0]
        var (registering, hashing, ratios) = (Series(), Series(), Series())
        for round in 0..<rounds {
            // A registry of its own for each round: in one that has the file already, nothing would be published.
            let registry = ImageRegistry(cache: "\(place)/cache-\(round)")
            let registration = ImageRegistration(variant: variant, files: ["file": file], provenance: Provenance(builder: "benchmark"))
            var times: [Bool: Duration] = [:]
            // Each goes first in every other round.
            for isHashing in round % 2 == 0 ? [true, false] : [false, true] {
                let start = ContinuousClock.now
                if isHashing {
                    try await Self.run(["sha256sum", file], log: place + "/log")
                } else {
                    _ = try await registry.register(registration)
                }
                times[isHashing] = start.duration(to: .now)
            }
            try FileManager.default.removeItem(atPath: registry.folder)
            let (hash, register) = (times[true] ?? .zero, times[false] ?? .zero)
            hashing.append(hash)
            registering.append(register)
            ratios.append(register / hash)
            print("round \(round + 1): sha256sum \(Self.rounded(hash / .seconds(1))) s, register \(Self.rounded(register / .seconds(1))) s")
        }
        print("\(megabytes) MB: sha256sum \(Self.rounded(hashing.median)) s, register \(Self.rounded(registering.median)) s (medians)")
        return ratios.median
    }

    /// Runs a program to its end.
    private static func run(_ command: [String], log: String) async throws {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(input) }
        let child = try ChildProcess.start(command, input: input, log: log)
        guard await child.waitForExit() == .exited(0) else {
            throw Problem(.failure, "\(command[0]) failed", why: try? String(contentsOfFile: log, encoding: .utf8))
        }
    }

    private static func rounded(_ number: Double) -> String { String(format: "%.2f", number) }
}
