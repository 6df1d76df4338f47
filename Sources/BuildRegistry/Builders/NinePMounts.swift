import FoundationEssentials
import Glibc
import LabEvents

/// The 9p file systems that are mounted on this host (FM-6).
///
/// A builder's `sync` flushes every mounted file system, and on WSL2 a 9p mount can hang it for ever, wherever it is mounted.
struct NinePMounts: Sendable {
    var tools = HostTools()
    /// proc(5), `/proc/mounts`.
    var table = "/proc/mounts"
    /// Where the ledger of what is unmounted lies.
    let ledger: String

    /// A file system as /proc/mounts has it.
    struct Mount: Codable, Equatable, Sendable {
        var source: String
        var target: String
        var options: String
    }

    /// What is mounted.
    func mounts() -> [Mount] {
        let text = (try? String(contentsOfFile: table, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map { Self.unescaped(String($0)) }
            return fields.count > 3 && fields[2] == "9p" ? Mount(source: fields[0], target: fields[1], options: fields[3]) : nil
        }
    }

    /// Refuses while there are any.
    func refuse() throws(Problem) {
        let mounts = mounts()
        guard !mounts.isEmpty else { return }
        throw .environment(
            .ninePMount, "a build can hang for ever while a 9p file system is mounted",
            location: mounts.map(\.target).joined(separator: ", "),
            why: "the builder's sync() flushes every mounted file system, and 9p may never answer (FM-6)",
            remedy: "unmount it, or let the build do so for its time: vmlab image build --unmount-9p …")
    }

    /// Runs `body` without them: they are unmounted before and mounted again after, whatever happens. What a killed process has left unmounted is
    /// mounted first.
    func without<T>(_ body: () async throws -> T) async throws -> T {
        try await remount()
        let mounts = mounts()
        guard !mounts.isEmpty else { return try await body() }
        try Folder.write(String(decoding: try JSONEncoder().encode(mounts), as: UTF8.self), to: ledger, mode: 0o600)
        try Folder.synchronize(ledger)
        let result: Result<T, any Error>
        do {
            // The one that was mounted last may lie within another.
            for mount in mounts.reversed() { try await run(["umount", mount.target]) }
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        // A child of a cancelled task would be cancelled too, and its command ended.
        try await Task.detached { try await remount() }.value
        return try result.get()
    }

    /// Mounts what the ledger says and is not mounted.
    func remount() async throws {
        guard let data = FileManager.default.contents(atPath: ledger) else { return }
        guard let wanted = try? JSONDecoder().decode([Mount].self, from: data) else {
            throw Problem(
                .failure, "the list of unmounted 9p file systems cannot be read", location: ledger,
                remedy: "mount them by hand, then remove the file")
        }
        let there = mounts()
        for mount in wanted where !there.contains(where: { $0.target == mount.target }) {
            try await run(["mount", "-t", "9p", "-o", mount.options, mount.source, mount.target])
        }
        Folder.remove(ledger)
    }

    private func run(_ command: [String]) async throws {
        let whole = geteuid() == 0 ? command : ["sudo", "-n"] + command
        let outcome = try await ToolRunner(tools: tools).outcome(whole)
        guard outcome.succeeded else {
            throw Problem(
                .failure, "\(whole.joined(separator: " ")) failed", location: ledger, why: outcome.tail.joined(separator: "\n"),
                remedy: "run it by hand; the file names what is to be mounted again")
        }
    }

    /// Undoes the octal escapes of white space and backslashes (getmntent(3)).
    private static func unescaped(_ field: String) -> String {
        field.replacing("\\040", with: " ").replacing("\\011", with: "\t").replacing("\\012", with: "\n").replacing("\\134", with: "\\")
    }
}
