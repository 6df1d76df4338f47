import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import VDE

extension Lab {
    /// The captures of the lab, oldest first.
    public var captures: [CaptureReport] { captureBook.entries.map(\.report) }

    /// Captures the frames of network cards while `body` runs; see ``startCapture(_:name:)``.
    ///
    /// - Parameters:
    ///   - what: network cards (`NODE.CARD`), bonds (all their legs), segments and nodes (all their cards), trunks with a cable.
    ///   - name: a part of the file's name; made from `what` when nil.
    /// - Throws: what `body` throws; a ``Problem`` when the capture cannot begin. One that cannot be finished is a warning.
    public func capture<Result: Sendable>(
        _ what: String..., name: String? = nil, _ body: () async throws -> Result
    ) async throws -> Result { try await capture(what, name: name, body) }

    /// As ``capture(_:name:_:)-(String...,_,_)``, for a list.
    public func capture<Result: Sendable>(
        _ what: [String], name: String? = nil, _ body: () async throws -> Result
    ) async throws -> Result {
        let begun = try await startCapture(what, name: name)
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        // Whoever stopped it before was told what came of it.
        if let entry = try? captureBook.ending(begun.name) {
            if Task.isCancelled {
                // Nobody waits for a large file then; the end of the lab does, as far as there is time.
                captureBook.jobs.start { _ = await self.end(entry) }
            } else {
                _ = try? await captureBook.jobs.perform { await self.end(entry) }
            }
        }
        return try result.get()
    }

    /// Begins to capture, until ``stopCapture(_:)`` or the end of the lab. The cards of a node that is off are captured from its next start on; a machine that
    /// reboots or is powered off and on is captured on.
    ///
    /// Each card sees what its machine sends and is given: a frame between two captured cards is there twice, once for each interface. Frames that a card without
    /// carrier does not send are not.
    ///
    /// - Parameters:
    ///   - what: network cards (`NODE.CARD`), bonds (all their legs), segments and nodes (all their cards), trunks with a cable.
    ///   - name: a part of the file's name; made from `what` when nil.
    /// - Throws: a ``Problem`` of kind `invalidInput` for what the lab does not have, or a name that is taken.
    @discardableResult
    public func startCapture(_ what: [String], name: String? = nil) async throws -> CaptureReport {
        let sources = try captureSources(what)
        return try await captureBook.jobs.perform { try await self.begin(what, name, sources) }
    }

    /// Ends a capture and makes one file of what the single interfaces saw.
    ///
    /// - Parameter name: which; the only one that runs when nil.
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists what runs.
    @discardableResult
    public func stopCapture(_ name: String? = nil) async throws -> CaptureReport {
        let entry = try captureBook.ending(name)
        return try await captureBook.jobs.perform { await self.end(entry) }
    }

    /// Refuses to capture cards alone whose nodes are off.
    func requireMachines(_ what: [String]) throws(Problem) {
        let sources = try captureSources(what)
        var off: [String] = []
        for case .card(let name, _, _) in sources {
            let node = try node(name)
            if (try? node.machine()) != nil { return }
            off.append("\(name) is \(node.state.rawValue)")
        }
        guard !off.isEmpty, off.count == sources.count else { return }
        throw Problem(
            .failure, "\(what.joined(separator: " ")) has no frames now", why: Set(off).sorted().joined(separator: ", "),
            remedy: "start a node first: vmlab power RUN NODE start")
    }

    private func begin(_ what: [String], _ name: String?, _ sources: [CaptureSource]) async throws -> CaptureReport {
        let entry = try captureBook.open(what, name: name, sources: sources)
        do {
            try Folders.make(entry.folder)
            for source in sources {
                switch source {
                case .card(let node, let index, _):
                    try await self.node(node).startDump(
                        CardDump(capture: entry.name, source: source, index: index, folder: entry.folder))
                case .trunk(let trunk): try tap(trunk, of: entry.name, in: entry.folder, after: [])
                }
            }
        } catch {
            for node in nodes { _ = await node.endDumps(entry.name) }
            untap(entry.name)
            captureBook.drop(entry.name)
            try? FileManager.default.removeItem(atPath: entry.folder)
            throw error
        }
        captureBook.change(entry.name) { $0.isBusy = false }
        events.message("capture \(entry.name): \(sources.map(\.name).joined(separator: ", "))")
        return entry.report
    }

    /// Lets a trunk's cable write to a file of its own, after those that were written before.
    func tap(_ trunk: String, of capture: String, in folder: String, after before: [String]) throws(Problem) {
        guard let cable = try cables.first(where: { $0.name == trunk })?.cable() else { return }
        let path = "\(folder)/\(CaptureBook.name(for: [trunk]))-\(before.count + 1).pcap"
        let file = try PcapFile(path: path)
        let dump = CaptureBook.TrunkDump(trunk: trunk, paths: before + [path], tap: cable.addTap(at: .first, file), file: file)
        captureBook.change(capture) { $0.trunks.append(dump) }
    }

    @discardableResult
    private func untap(_ capture: String) -> [CaptureBook.TrunkDump] {
        let trunks = captureBook.entries.first { $0.name == capture }?.trunks ?? []
        for trunk in trunks {
            (try? cables.first { $0.name == trunk.trunk }?.cable())?.removeTap(trunk.tap)
            try? trunk.file.close()
        }
        return trunks
    }

    /// Ends a capture that was chosen for it.
    func end(_ entry: CaptureBook.Entry) async -> CaptureReport {
        var dumps: [CardDump] = []
        for node in nodes { dumps += await node.endDumps(entry.name) }
        let trunks = untap(entry.name)
        let sources = entry.sources.map { source in
            switch source {
            case .card:
                let parts = dumps.first { $0.source == source }?.parts ?? []
                return CaptureMerge.Source(
                    name: source.name,
                    parts: parts.map { .init(path: $0.path, clock: FrameClock(dumpSince: $0.begin, starts: $0.clock.starts)) })
            case .trunk(let name):
                return CaptureMerge.Source(
                    name: name, parts: (trunks.first { $0.trunk == name }?.paths ?? []).map { CaptureMerge.Part(path: $0) })
            }
        }
        var report = CaptureReport(
            name: entry.name, what: entry.what, interfaces: entry.sources.map(\.name), state: .finished, file: entry.file, bytes: 0,
            seconds: Date().timeIntervalSince(entry.begin).rounded(to: 1))
        report.notes =
            dumps.filter(\.hasFailed).map { "QEMU could not write a file of \($0.source.name), or of another card of its node, to its end" }
            + trunks.filter { $0.file.missed > 0 }.map { "\($0.file.missed) frames of \($0.trunk) could not be written" }
            + entry.sources.filter { source in !dumps.contains { $0.source == source && !$0.parts.isEmpty } && !source.isTrunk }
            .map { "\($0.name) was off" }
        await join(sources, of: entry, &report)
        report.bytes = Folders.size(report.file)
        entry.end.open(report)
        events.message(report.summary, severity: report.state == .finished && report.notes.isEmpty ? .info : .warning)
        return report
    }

    /// Makes one file of several. They stay when that is not possible.
    private func join(_ sources: [CaptureMerge.Source], of entry: CaptureBook.Entry, _ report: inout CaptureReport) async {
        let unfinished = entry.file + ".partial"
        do {
            let outcome = try await CaptureMerge(sources).write(to: unfinished)
            guard rename(unfinished, entry.file) == 0 else {
                throw Problem(.failure, "cannot name the capture", location: entry.file, why: String(cString: strerror(errno)))
            }
            report.frames = outcome.frames
            report.notes += outcome.damaged.map { "\($0) ends inside of a frame; what comes before it is there" }
            try? FileManager.default.removeItem(atPath: entry.folder)
        } catch {
            unlink(unfinished)
            (report.state, report.file) = (.parted, entry.folder)
            let why = error is CancellationError ? "the lab ended first" : (error as? Problem)?.why ?? "\(error)"
            report.notes.append("the files of the single cards were not made one: \(why)")
        }
    }

    /// Ends all captures. What takes longer than the limit stays as it is: a file for each card.
    func finishCaptures(atMost limit: Duration) async {
        guard captureBook.close() else { return }
        let entries = captureBook.entries.filter { $0.end.value == nil }
        guard !entries.isEmpty else { return }
        for entry in entries {
            guard let ending = try? captureBook.ending(entry.name) else { continue }
            captureBook.jobs.start { _ = await self.end(ending) }
        }
        _ = await withDeadline(limit) { () -> Void? in
            for entry in entries { _ = try? await entry.end.wait() }
            return ()
        }
    }
}

extension CaptureSource {
    fileprivate var isTrunk: Bool { if case .trunk = self { true } else { false } }
}

extension CaptureReport {
    /// What came of it, in a line or more.
    public var summary: String {
        let head =
            switch state {
            case .running: "capture \(name): runs since \(seconds) s, \(bytes) bytes in \(file)"
            case .finished: "capture \(name): \(frames ?? 0) frame\(frames == 1 ? "" : "s") in \(file)"
            case .parted: "capture \(name): \(file) has a file for each card"
            }
        return ([head] + notes).joined(separator: "; ")
    }
}
