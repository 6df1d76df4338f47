import FoundationEssentials
import GuestShell
import LabEvents
import Synchronization
import VDE

/// A capture that goes on under a new owner.
struct InheritedCapture: Sendable, Codable {
    /// A card's files.
    struct Dump: Sendable, Codable {
        var node: String
        var source: CaptureSource
        var index: Int
        var machine: Int32?
        var hasFailed: Bool
        var parts: [Part]
    }

    /// One of them.
    struct Part: Sendable, Codable {
        var path: String
        var begin: Int64
        var turns: [MachineClock.Turn]
    }

    var name: String
    var what: [String]
    var sources: [CaptureSource]
    var begin: Date
    var folder: String
    var file: String
    var dumps: [Dump]
    /// The files of trunks.
    var trunks: [String: [String]]
    /// What came of one that runs no more.
    var report: CaptureReport?
}

extension Lab {
    /// What the next owner needs to go on with the captures. What this process has in memory of them is written out.
    ///
    /// - Throws: a ``Problem`` of kind `busy` while one is being begun or finished.
    func inheritedCaptures() throws(Problem) -> [InheritedCapture] {
        let entries = captureBook.entries
        if let unfinished = entries.first(where: { $0.isBusy && $0.end.value == nil }) {
            throw Problem(.busy, "the capture '\(unfinished.name)' is being begun or finished", remedy: "try again in a moment")
        }
        return entries.map { entry in
            for trunk in entry.trunks { try? trunk.file.flush() }
            let dumps = nodes.flatMap { node in
                node.mutable.withLock { $0.dumps }.filter { $0.capture == entry.name }.map { dump in
                    InheritedCapture.Dump(
                        node: node.name, source: dump.source, index: dump.index, machine: dump.machine, hasFailed: dump.hasFailed,
                        parts: dump.parts.map { .init(path: $0.path, begin: $0.begin, turns: $0.clock.turns) })
                }
            }
            return InheritedCapture(
                name: entry.name, what: entry.what, sources: entry.sources, begin: entry.begin, folder: entry.folder, file: entry.file,
                dumps: dumps, trunks: Dictionary(entry.trunks.map { ($0.trunk, $0.paths) }) { first, _ in first }, report: entry.end.value)
        }
    }

    /// Goes on with the captures of the owner before. QEMU has not noticed; cables are new ones, and write new files.
    func takeCaptures(_ captures: [InheritedCapture]) throws {
        for capture in captures {
            let entry = CaptureBook.Entry(
                name: capture.name, what: capture.what, sources: capture.sources, begin: capture.begin, folder: capture.folder,
                file: capture.file)
            if let report = capture.report { entry.end.open(report) }
            captureBook.adopt(entry)
            for dump in capture.dumps {
                let parts = dump.parts.map { CardDump.Part(path: $0.path, begin: $0.begin, clock: MachineClock(before: $0.turns)) }
                let own = CardDump(
                    capture: capture.name, source: dump.source, index: dump.index, folder: capture.folder, machine: dump.machine,
                    parts: parts, hasFailed: dump.hasFailed)
                try node(dump.node).mutable.withLock { $0.dumps.append(own) }
            }
            for (trunk, paths) in capture.trunks where capture.report == nil {
                try tap(trunk, of: capture.name, in: capture.folder, after: paths)
            }
        }
    }
}

extension Node.State {
    /// Counts the time of a machine that was taken over from here on; its dumps go on with it.
    mutating func follow(_ clock: MachineClock, of machine: Int32) {
        self.clock = clock
        for place in dumps.indices where dumps[place].machine == machine {
            if let last = dumps[place].parts.indices.last { dumps[place].parts[last].clock = clock }
        }
    }
}
