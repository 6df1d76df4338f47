import FoundationEssentials
import Glibc
import LabEvents
import Synchronization

/// The faults of a run on disk: JSON Lines of ``FaultRecord``, each on disk before what it announces is done.
final class FaultLedger: Sendable {
    private let path: String
    private let next: Mutex<Int>

    /// The ledger of a run; one that another owner began is gone on with.
    init(_ run: RunDirectory) {
        path = Self.path(run)
        next = Mutex((Self.read(path).map(\.id).max() ?? 0) + 1)
    }

    /// A number that no fault of the run has had.
    func number() -> Int {
        next.withLock { number in
            defer { number += 1 }
            return number
        }
    }

    /// Appends a record and waits until it is on disk.
    ///
    /// - Throws: a ``Problem`` when it cannot be written; then nothing may be injected.
    func record(_ record: FaultRecord) throws(Problem) { try Self.append(record, path) }

    /// Closes what a lab that is gone has left open.
    static func end(_ run: RunDirectory) {
        for open in unfinished(run) { try? append(FaultRecord(id: open.id, fault: open.fault, state: .ended, detail: nil), path(run)) }
    }

    /// The faults whose last record says neither that they are gone nor that they went with the lab.
    static func unfinished(_ run: RunDirectory) -> [FaultRecord] {
        var last: [Int: FaultRecord] = [:]
        for record in read(path(run)) { last[record.id] = record }
        return last.values.filter { ![.healed, .ended].contains($0.state) }.sorted { $0.id < $1.id }
    }

    private static func path(_ run: RunDirectory) -> String { run.path + "/network/faults.jsonl" }

    /// A last line that a crash cut short counts as not written.
    private static func read(_ path: String) -> [FaultRecord] {
        let text = (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").compactMap { try? JSONDecoder().decode(FaultRecord.self, from: Data($0.utf8)) }
    }

    private static func append(_ record: FaultRecord, _ path: String) throws(Problem) {
        func failed(_ why: String) -> Problem {
            Problem(
                .failure, "the ledger of faults cannot be written", location: path, why: why,
                remedy: "free space there; nothing was injected")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(record) else { throw failed("no JSON can be made of \(record.fault)") }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // A line end first would be left by a crash before; empty lines are skipped.
        let bytes = Array("\n".utf8) + Array(line) + Array("\n".utf8)
        guard bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == bytes.count, fdatasync(descriptor) == 0 else {
            throw failed(String(cString: strerror(errno)))
        }
    }
}
