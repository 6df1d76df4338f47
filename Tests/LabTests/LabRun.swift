import Foundation
import Glibc
import LabEvents
import Reporting
import Testing

/// A run of the program under test, as its folders show it.
struct LabRun: Sendable {
    let world: World
    let identifier: String

    var path: String { "\(world.state)/runs/\(identifier)" }
    var sockets: String { "\(world.runtime)/\(identifier)" }

    // MARK: What happened

    /// Every event but the lines of consoles.
    func events() -> [LabEvent] {
        var reader = EventReader(path + "/events.jsonl")
        return reader.next()
    }

    /// Waits for an event.
    func wait<Found>(for what: String, _ limit: Duration = .hang, _ choose: (LabEvent) -> Found?) async throws -> Found {
        var reader = EventReader(path + "/events.jsonl")
        return try await Poll.until("run \(identifier): \(what)", limit) { reader.next().lazy.compactMap(choose).first }
    }

    /// Waits until the lab reaches a state.
    func wait(for state: LabEvent.LabState) async throws {
        try await wait(for: "the lab is \(state)") { event in
            if case .lab(let change) = event.kind, change.state == state { return () }
            return nil
        }
    }

    /// Where the lab stood last.
    func lastState() -> LabEvent.LabState? {
        events().reversed().lazy.compactMap { if case .lab(let change) = $0.kind { change.state } else { nil } }.first
    }

    /// Waits until every node obeys.
    func waitForNodes() async throws {
        var ready: Set<String> = []
        try await wait(for: "both nodes are ready") { event in
            if case .node(let change) = event.kind, change.state == .ready, let node = event.node { ready.insert(node) }
            return ready.count == 2 ? () : nil
        }
    }

    /// Waits until a process of the lab runs.
    func process(_ role: String, _ name: String, besides former: Int32? = nil) async throws -> Int32 {
        try await wait(for: "a \(role) \(name)") { event in
            if case .process(let change) = event.kind, change.role == role, change.name == name, change.end == nil, change.pid != former {
                return change.pid
            }
            return nil
        }
    }

    /// The process that owns the run, as soon as it is there. A child of it that has not become another program yet has the same words: the oldest is it.
    func owner() async throws -> Int32 {
        try await Poll.until("run \(identifier) has an owner") {
            let found = HostProcess.all().filter { $0.words.dropFirst().starts(with: ["owner", "--run", path]) }
            return found.compactMap { process in ProcessRecord.startTime(pid: process.pid).map { ($0, process.pid) } }.min { $0 < $1 }?.1
        }
    }

    func result() throws -> RunResult {
        try JSONDecoder().decode(RunResult.self, from: Data(contentsOf: URL(filePath: path + "/result.json")))
    }

    // MARK: What is left

    /// Everything of the run that lives: processes, sockets, RAM files, its lock, mounts. Its evidence is no leftover.
    func leftovers() -> [String] {
        var found = HostProcess.all().filter { $0.pid != getpid() && $0.names(identifier) }.map(\.description)
        for path in [sockets, "/dev/shm/vmlab-\(identifier)", path + "/ram"] where access(path, F_OK) == 0 {
            found.append("folder \(path)")
        }
        for file in ["disk0.qcow2", "uefi-variables.fd"] {
            for node in ["a", "b"] where access("\(path)/nodes/\(node)/\(file)", F_OK) == 0 { found.append("file nodes/\(node)/\(file)") }
        }
        if isLocked { found.append("the lock") }
        for table in ["/proc/self/mounts", "/proc/net/unix"] {
            let lines = (try? String(contentsOfFile: table, encoding: .utf8))?.split(separator: "\n") ?? []
            found += lines.filter { $0.contains(identifier) }.map { "\(table): \($0)" }
        }
        return found
    }

    var isLocked: Bool {
        let descriptor = open(path + "/lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    /// Waits until nothing of the run is left and its programs have ended.
    ///
    /// - Returns: the seconds since `begin`; what was left is an issue when they are too many.
    func settle(
        since begin: ContinuousClock.Instant, limit: Duration, _ programs: [Program] = [], case name: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        func left() -> [String] { programs.filter { $0.end == nil }.map { "program \($0.pid)" } + leftovers() }
        // Longer than the limit: how late it was is worth knowing.
        _ = try? await Poll.until("nothing is left", limit + .seconds(8), every: .milliseconds(10)) { left().isEmpty ? true : nil }
        let seconds = begin.duration(to: .now) / .seconds(1)
        print("clean-up: \(name): \(String(format: "%.2f", seconds)) s")
        #expect(seconds < limit / .seconds(1), "\(name): not clean in time; left: \(left())", sourceLocation: sourceLocation)
    }

    /// Looks whether the evidence is there and readable, as far as the run had come.
    func expectEvidence(_ moment: Moment, outcome: LabEvent.Outcome, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let text = (try? String(contentsOfFile: path + "/events.jsonl", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") {
            #expect(throws: Never.self, "events.jsonl: \(line)", sourceLocation: sourceLocation) {
                try LabEvent.decode(jsonLine: Array(line.utf8))
            }
        }
        var files = ["request.json", "result.json", "harness.log"]
        if moment > .planning { files += ["events.jsonl", "plan.json", "manifest.json"] }
        if moment > .booting {
            files += ["a", "b"].flatMap { ["nodes/\($0)/serial.log", "nodes/\($0)/qemu.args", "nodes/\($0)/qmp.jsonl"] }
        }
        for file in files { #expect(access("\(path)/\(file)", R_OK) == 0, "no \(file)", sourceLocation: sourceLocation) }
        let found = try result()
        #expect(found.outcome == outcome, "\(found.cause ?? "")", sourceLocation: sourceLocation)
    }
}

/// The stations of a run.
enum Moment: String, Sendable, CaseIterable, Comparable {
    /// Its id is printed, its owner begins.
    case starting
    case planning, booting, running, tearingDown, kept

    static func < (left: Moment, right: Moment) -> Bool {
        allCases.firstIndex(of: left).map { a in allCases.firstIndex(of: right).map { a < $0 } ?? false } ?? false
    }
}

/// Reads a growing file of events.
struct EventReader {
    private let path: String
    private var offset = 0
    private var rest: [UInt8] = []

    init(_ path: String) { self.path = path }

    /// The events since the last call, without the lines of consoles.
    mutating func next() -> [LabEvent] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = pread(descriptor, &piece, piece.count, off_t(offset))
            guard count > 0 else { break }
            offset += count
            rest += piece[..<count]
        }
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = lines.popLast().map(Array.init) ?? []
        return lines.compactMap { line in
            guard !String(decoding: line, as: UTF8.self).contains(#""type":"console""#) else { return nil }
            return try? LabEvent.decode(jsonLine: Array(line))
        }
    }
}
