import FoundationEssentials
import Glibc
import LabEvents
import QEMU
import Synchronization
import VDE

/// The wish that frames of a network card be written to files, one for each machine that the node has meanwhile.
struct CardDump: Sendable {
    /// One file.
    struct Part: Sendable {
        var path: String
        /// The second in which it began, as QEMU has it.
        var begin: Int64
        var clock: MachineClock
    }

    /// The capture's name.
    var capture: String
    var source: CaptureSource
    /// The card's place among the node's.
    var index: Int
    /// Where the files are.
    var folder: String
    /// The machine that writes, or was told to; nil when none was.
    var machine: Int32?
    var parts: [Part] = []
    /// QEMU said that it cannot write.
    var hasFailed = false

    /// QEMU's id of the filter.
    var filter: String { "capture-\(capture)-\(index)" }
}

extension Node {
    /// Lets a card's frames be written from now on, also by machines that start later.
    ///
    /// - Throws: a ``Problem`` when QEMU refuses.
    func startDump(_ dump: CardDump) async throws {
        mutable.withLock { $0.dumps.append(dump) }
        try await applyDumps()
    }

    /// Tells the machine that runs what it does not know yet.
    func applyDumps() async throws {
        let (machine, dumps) = mutable.withLock { current -> (Machine?, [CardDump]) in
            guard let machine = current.machine else { return (nil, []) }
            let pid = machine.guest.process.pid
            var found: [CardDump] = []
            for place in current.dumps.indices where current.dumps[place].machine != pid {
                current.dumps[place].machine = pid
                found.append(current.dumps[place])
            }
            return (machine, found)
        }
        guard let machine else { return }
        var failure: (any Error)?
        for dump in dumps { do { try await start(dump, machine) } catch { failure = failure ?? error } }
        if let failure { throw failure }
    }

    private func start(_ dump: CardDump, _ machine: Machine) async throws {
        let path = "\(dump.folder)/\(dump.source.name)-\(dump.parts.count + 1).pcap"
        try Self.makeFile(path, in: dump.folder)
        let begin: Int64
        do {
            begin = try await machine.startDump(dump, path)
        } catch {
            throw Problem(.failure, "\(dump.source.name) cannot be captured", location: path, why: "\(error)")
        }
        let isWanted = mutable.withLock { current in
            guard let place = current.dumps.firstIndex(where: { $0.capture == dump.capture && $0.index == dump.index }) else {
                return false
            }
            current.dumps[place].parts.append(.init(path: path, begin: begin, clock: current.clock))
            return true
        }
        // It was ended meanwhile.
        if !isWanted { try await machine.guest.monitor.execute(QMP.ObjectDelete(identifier: dump.filter)) }
    }

    /// Makes the file that QEMU is to write. QEMU 7.2 hangs for ever after it has refused a filter, for example for a file that it cannot open.
    private static func makeFile(_ path: String, in folder: String) throws(Problem) {
        guard Folders.freeMebibytes(folder) > 0 else {
            throw EvidenceFile.problem(path, ENOSPC)
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw EvidenceFile.problem(path, errno) }
        close(descriptor)
    }

    /// Ends what ``startDump(_:)`` began.
    ///
    /// - Returns: the cards with their files.
    func endDumps(_ capture: String) async -> [CardDump] {
        let (machine, dumps) = mutable.withLock { current in
            let dumps = current.dumps.filter { $0.capture == capture }
            current.dumps.removeAll { $0.capture == capture }
            return (current.machine, dumps)
        }
        // A machine that is gone has ended them by itself.
        if let machine {
            for dump in dumps where dump.machine == machine.guest.process.pid {
                _ = try? await machine.guest.monitor.execute(QMP.ObjectDelete(identifier: dump.filter))
            }
        }
        return dumps
    }

    /// Takes a line that QEMU wrote; it says there alone that a dump has ended by itself.
    func noteDump(_ line: String) {
        guard line.contains("network dump write error") else { return }
        let captures = mutable.withLock { current in
            for place in current.dumps.indices { current.dumps[place].hasFailed = true }
            return Set(current.dumps.map(\.capture)).sorted()
        }
        guard !captures.isEmpty else { return }
        context.events.message(
            "capture \(captures.joined(separator: ", ")): QEMU could not write and captures no more of a card; "
                + "\(Folders.freeMebibytes(context.run.path)) MiB are free in \(context.run.path)",
            node: name, severity: .warning)
    }
}

extension Machine {
    /// - Returns: the second in which the dump began, as QEMU's file has it.
    fileprivate func startDump(_ dump: CardDump, _ path: String) async throws -> Int64 {
        while true {
            let begin = time(nil)
            try await guest.monitor.execute(
                QMP.ObjectAdd(
                    type: "filter-dump", identifier: dump.filter,
                    properties: ["netdev": .string("net\(dump.index)"), "file": .string(path)]))
            // QEMU reads the clock itself; only in one and the same second is it known what it read.
            if time(nil) == begin { return Self.second(begin) }
            try await guest.monitor.execute(QMP.ObjectDelete(identifier: dump.filter))
        }
    }

    /// QEMU takes the UTC time for a local one (qemu_get_timedate and mktime in net/dump.c).
    private static func second(_ time: time_t) -> Int64 {
        var (time, parts) = (time, tm())
        gmtime_r(&time, &parts)
        parts.tm_isdst = 0
        return Int64(mktime(&parts))
    }
}
