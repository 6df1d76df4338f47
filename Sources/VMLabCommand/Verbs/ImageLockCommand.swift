import ArgumentParser
import BuildRegistry
import Foundation
import LabEvents

/// `vmlab image lock`.
struct ImageLockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Write the digests of all registered images to images/registry.lock, for a team to commit.",
        discussion: "One line for each file, ID NAME SHA256 BYTES, sorted. `vmlab image diff` compares it with a registry.")

    @Option(help: ArgumentHelp("The lock file; default: registry.lock beside variants.yaml.", valueName: "file"))
    var file: String?

    @Flag(help: "Print the lock as JSON and write no file.")
    var json = false

    func run() async throws {
        let lock = RegistryLock(try await ImageRegistry().images())
        if json { return Terminal.print(try Terminal.json(lock)) }
        let path = try file ?? VariantMatrix.standard().lockFile
        do {
            try Data(lock.text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Problem(
                .failure, "the lock file cannot be written", location: path, why: error.localizedDescription, remedy: "check the path")
        }
        Terminal.print("\(path): \(lock.entries.count) files of \(Set(lock.entries.map(\.variant)).count) images")
    }
}

/// `vmlab image diff`.
struct ImageDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Say what differs between a lock file and the registry, or between two lock files.",
        discussion: "Exit codes: 0 nothing differs, 1 something does.")

    @Argument(help: "A lock file; default: registry.lock beside variants.yaml.")
    var before: String?

    @Argument(help: "Another lock file, instead of the registry.")
    var after: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let old = try RegistryLock(contentsOf: try before ?? VariantMatrix.standard().lockFile)
        let new: RegistryLock
        if let after { new = try RegistryLock(contentsOf: after) } else { new = RegistryLock(try await ImageRegistry().images()) }
        let differences = old.differences(to: new)
        if json { Terminal.print(try Terminal.json(differences)) } else { differences.map(line).forEach { Terminal.print($0) } }
        if !differences.isEmpty { throw ExitCode(1) }
    }

    private func line(_ difference: RegistryLock.Difference) -> String {
        func short(_ entry: RegistryLock.Entry) -> String { "\(entry.sha256.prefix(12)) (\(entry.bytes) bytes)" }
        let name = "\(difference.variant) \(difference.name)"
        switch (difference.before, difference.after) {
        case (let old?, let new?): return "~ \(name): \(short(old)) -> \(short(new))"
        case (let old?, nil): return "- \(name): \(short(old))"
        case (nil, let new?): return "+ \(name): \(short(new))"
        case (nil, nil): return "  \(name)"
        }
    }
}
