import FoundationEssentials
import Glibc
import LabEvents
import QEMU

/// What the labs of this user have promised to their guests.
///
/// A guest's RAM is a sparse file: the host still counts as free what the guest has not touched yet. So each run writes down what it will need at most, in its
/// folder of sockets, and another one takes off what is promised and not used yet. The ledger is guarded by a lock that is held for milliseconds.
struct MemoryLedger: Sendable {
    let run: RunDirectory
    /// How often a run that waits looks again. Nothing announces that memory became free.
    private static let interval = Duration.milliseconds(500)

    /// Another lab and what it has not used yet of what it was promised, in MiB.
    struct Debt: Sendable, Equatable {
        var run: String
        var mebibytes: Int
    }

    /// Promises memory to this run.
    ///
    /// - Parameters:
    ///   - needed: MiB for the whole lab.
    ///   - waits: whether to wait for memory instead of refusing.
    /// - Throws: an environment problem with the key `no-memory`, the numbers and the other labs' names.
    func reserve(_ needed: Int, waits: Bool, events: any EventSink) async throws {
        var told: [String] = []
        while true {
            let available = GuestMemory.availableMebibytes()
            guard let debts = try refusal(needed, available) else { return }
            let names = debts.map { "run \($0.run) (\($0.mebibytes) MiB)" }.joined(separator: ", ")
            let others = debts.isEmpty ? "" : "; promised to others and not used yet: \(names)"
            let why = "needed: \(needed) MiB; available: \(available) MiB\(others)"
            guard waits else {
                throw Problem.environment(
                    .noMemory, "the host lacks the memory for this lab", why: why,
                    remedy: debts.isEmpty
                        ? "stop other programs, or give the guests less memory (--memory)"
                        : "wait for it with --wait-for-memory, or end the other lab: vmlab down \(debts[0].run)")
            }
            if told != debts.map(\.run) || told.isEmpty {
                told = debts.map(\.run)
                events.message("waiting for memory: \(why)")
            }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// Writes down what this run needs, or says whose promises are in the way.
    private func refusal(_ needed: Int, _ available: Int) throws -> [Debt]? {
        try locked {
            let debts = debts()
            let promised = debts.reduce(0) { $0 + $1.mebibytes }
            guard needed <= available - promised else { return debts }
            try AtomicFile.write(Array("\(needed)\n".utf8), to: run.sockets + "/memory", redactor: Redactor())
            return nil
        }
    }

    /// What the other labs that live may still take.
    func debts() -> [Debt] {
        guard let runtime = try? RunDirectory.runtime() else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: runtime)) ?? []
        return names.sorted().compactMap { name in
            guard name != run.identifier, RunDirectory.isIdentifier(name),
                let text = try? String(contentsOfFile: "\(runtime)/\(name)/memory", encoding: .utf8),
                let promised = Int(text.filter(\.isNumber)),
                let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(runtime)/\(name)/run"),
                RunLock.isHeld(RunDirectory(identifier: name, path: path, sockets: "\(runtime)/\(name)"))
            else { return nil }
            let used = Self.allocatedMebibytes(in: "/dev/shm/vmlab-\(name)") + Self.allocatedMebibytes(in: path + "/ram")
            return Debt(run: name, mebibytes: max(0, promised - used))
        }
    }

    private func locked<Result>(_ body: () throws -> Result) throws -> Result {
        let path = try RunDirectory.runtime() + "/memory.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Problem(.failure, "cannot open a lock", location: path, why: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
        return try body()
    }

    /// What the files of a folder really take, in MiB.
    private static func allocatedMebibytes(in folder: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let blocks = names.reduce(0) { sum, name in
            var status = stat()
            return lstat("\(folder)/\(name)", &status) == 0 ? sum + Int(status.st_blocks) : sum
        }
        return blocks * 512 >> 20
    }
}
