import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import Synchronization
import VDE

/// The captures of a lab: those that run, and what came of the others.
final class CaptureBook: Sendable {
    /// The files of a trunk, and the one that is written.
    struct TrunkDump: Sendable {
        var trunk: String
        var paths: [String]
        var tap: CableTap
        var file: PcapFile
    }

    struct Entry: Sendable {
        var name: String
        var what: [String]
        var sources: [CaptureSource]
        var begin = Date()
        /// Where the files of the single interfaces are.
        var folder: String
        /// The file that is made of them.
        var file: String
        var trunks: [TrunkDump] = []
        /// Whether somebody makes its end, or still its beginning.
        var isBusy = false
        /// Open once it runs no more.
        var end = Gate<CaptureReport>()

        /// Where it stands.
        var report: CaptureReport {
            if let report = end.value { return report }
            return CaptureReport(
                name: name, what: what, interfaces: sources.map(\.name), state: .running, file: folder,
                bytes: Folders.size(folder), seconds: Date().timeIntervalSince(begin).rounded(to: 1))
        }
    }

    private struct State {
        var entries: [Entry] = []
        var isClosed = false
    }

    let jobs = LabJobs()
    private let state = Mutex(State())
    /// `network/` of the run directory.
    private let folder: String

    init(folder: String) { self.folder = folder }

    var entries: [Entry] { state.withLock { $0.entries } }

    /// Puts a new capture in the book.
    ///
    /// - Throws: a ``Problem`` when the name cannot be had, or the same is being captured already.
    func open(_ what: [String], name: String?, sources: [CaptureSource]) throws(Problem) -> Entry {
        if let name { try Self.check(name) }
        let result: Result<Entry, Problem> = state.withLock { state in
            if state.isClosed { return .failure(Problem(.failure, "nothing can be captured now", why: "the lab ends")) }
            let running = state.entries.filter { $0.end.value == nil }
            if name == nil, let same = running.first(where: { $0.sources == sources }) {
                return .failure(
                    Problem(
                        .invalidInput, "\(what.joined(separator: " ")) is being captured already", location: same.folder,
                        why: "the capture '\(same.name)' has the same interfaces", remedy: "stop it, or give this one a --name"))
            }
            if let name, isTaken(name, state) {
                let isRunning = running.contains { $0.name == name }
                return .failure(
                    Problem(
                        .invalidInput, "there is a capture '\(name)' already", location: Self.file(name, folder),
                        why: isRunning ? "it runs" : "nothing is overwritten", remedy: "choose another name"))
            }
            let chosen = name ?? freeName(for: what, state)
            let entry = Entry(
                name: chosen, what: what, sources: sources, folder: Self.parts(chosen, folder), file: Self.file(chosen, folder))
            state.entries.append(entry)
            state.entries[state.entries.count - 1].isBusy = true
            return .success(entry)
        }
        return try result.get()
    }

    /// A name that says what is captured, or when, and is not taken.
    func freeName(for words: [String]) -> String { state.withLock { freeName(for: words, $0) } }

    private func freeName(for words: [String], _ state: State) -> String {
        let base = Self.name(for: words)
        return (1...).lazy.map { $0 == 1 ? base : "\(base)-\($0)" }.first { !isTaken($0, state) } ?? base
    }

    private func isTaken(_ name: String, _ state: State) -> Bool {
        state.entries.contains { $0.name == name } || access(Self.file(name, folder), F_OK) == 0
            || access(Self.parts(name, folder), F_OK) == 0
    }

    /// Takes a capture from the book that could not be begun.
    func drop(_ name: String) { state.withLock { $0.entries.removeAll { $0.name == name } } }

    /// Puts a capture of the owner before in the book.
    func adopt(_ entry: Entry) { state.withLock { $0.entries.append(entry) } }

    func change(_ name: String, _ change: (inout Entry) -> Void) {
        state.withLock { state in
            if let place = state.entries.firstIndex(where: { $0.name == name }) { change(&state.entries[place]) }
        }
    }

    /// Chooses the capture that is to end now.
    ///
    /// - Parameter name: the only one that runs when nil.
    /// - Throws: a ``Problem`` that lists those that run.
    func ending(_ name: String?) throws(Problem) -> Entry {
        let result: Result<Entry, Problem> = state.withLock { state in
            let running = state.entries.indices.filter { state.entries[$0].end.value == nil && !state.entries[$0].isBusy }
            let chosen = running.filter { name == nil || state.entries[$0].name == name }
            guard let place = chosen.first, chosen.count == 1 else {
                let names = running.map { "'\(state.entries[$0].name)'" }.joined(separator: ", ")
                return .failure(
                    Problem(
                        .invalidInput,
                        name.map { "no capture '\($0)' runs" } ?? (running.isEmpty ? "no capture runs" : "several captures run"),
                        why: names.isEmpty ? "nothing is being captured" : "those that run are \(names)",
                        remedy: names.isEmpty ? nil : "name one of them"))
            }
            state.entries[place].isBusy = true
            return .success(state.entries[place])
        }
        return try result.get()
    }

    /// Lets no more captures begin.
    ///
    /// - Returns: whether this is the first call.
    func close() -> Bool {
        state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
    }

    private static func file(_ name: String, _ folder: String) -> String { "\(folder)/capture-\(name).pcapng" }
    private static func parts(_ name: String, _ folder: String) -> String { "\(folder)/capture-\(name)" }

    private static func isFit(_ character: Unicode.Scalar) -> Bool {
        character.isASCII
            && (character.properties.isAlphabetic || character.properties.numericType != nil || "-_.".unicodeScalars.contains(character))
    }

    private static func check(_ name: String) throws(Problem) {
        guard !name.isEmpty, name.utf8.count <= 64, name.unicodeScalars.allSatisfy(isFit) else {
            throw Problem(
                .invalidInput, "a capture cannot be called '\(name)'", why: "its name is a part of a file's name",
                remedy: "at most 64 letters, digits, '-', '_' and '.'")
        }
    }

    /// A name that says what is captured.
    static func name(for what: [String]) -> String {
        let all = what.joined(separator: "_").unicodeScalars.map { isFit($0) ? String($0) : "-" }.joined()
        return all.utf8.count <= 48 ? all : all.prefix(40) + "_and-others"
    }
}
