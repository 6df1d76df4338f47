import Foundation
import LabEvents
import SystemPackage

extension VariantBuild {
    /// Builds and registers, several at once where their folders allow.
    func series(_ jobs: [Job], upToDate: [VariantBuildReport.Entry]) async -> VariantBuildReport {
        await withTaskGroup(of: (Int, VariantBuildReport.Entry).self) { group in
            var waiting = Array(jobs.enumerated())
            var busy: [Int: Set<String>] = [:]
            var entries = upToDate
            func fill() {
                while busy.count < max(1, options.jobs), !Task.isCancelled,
                    let next = waiting.firstIndex(where: { folders($0.element).isDisjoint(with: busy.values.reduce([]) { $0.union($1) }) })
                {
                    let (number, job) = waiting.remove(at: next)
                    busy[number] = folders(job)
                    group.addTask { (number, await self.one(job, number: number + 1, of: jobs.count)) }
                }
            }
            fill()
            while let (number, entry) = await group.next() {
                entries.append(entry)
                busy[number] = nil
                fill()
            }
            let order = jobs.map(\.variant.id) + upToDate.map(\.variant)
            let done = Dictionary(entries.map { ($0.variant, $0) }, uniquingKeysWith: { first, _ in first })
            return VariantBuildReport(variants: order.map { done[$0] ?? .init(variant: $0, outcome: .notReached) })
        }
    }

    private func folders(_ job: Job) -> Set<String> { Set((try? builder(job.variant).exclusive(job.variant)) ?? []) }

    /// One variant from the check to its place in the registry.
    private func one(_ job: Job, number: Int, of count: Int) async -> VariantBuildReport.Entry {
        let id = job.variant.id
        let log = logFile(job.variant)
        do {
            let start = ContinuousClock.now
            let space = try builder(job.variant).exclusive(job.variant).first ?? cache
            let free = Folder.freeBytes(space)
            let outcome = try await locked(folders(job).sorted()[...], id) {
                options.isRegisterOnly ? try await registerOnly(job.variant) : try await build(job, log, number, count)
            }
            let elapsed = start.duration(to: .now)
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
            var entry = Self.entry(outcome.image, outcome.isUnchanged ? .unchanged : .registered)
            entry.why = job.why
            entry.seconds = seconds
            if let free, let now = Folder.freeBytes(space) { entry.diskBytes = max(0, free - now) }
            progress(
                .registered(
                    variant: id, generation: outcome.image.generation, isUnchanged: outcome.isUnchanged, seconds: seconds,
                    bytes: outcome.image.bytes, diskBytes: entry.diskBytes ?? 0))
            return entry
        } catch is CancellationError {
            return .init(variant: id, outcome: .notReached, why: job.why, log: Folder.exists(log) ? log : nil)
        } catch {
            let problem = error as? Problem ?? Problem(.failure, "building \(id) failed", why: "\(error)")
            let kept = Folder.exists(log) ? log : nil
            progress(.failed(variant: id, problem: problem, log: kept))
            return .init(variant: id, outcome: .failed, why: job.why, problem: problem, log: kept)
        }
    }

    /// Runs `body` while no other process builds in these folders.
    private func locked<T: Sendable>(_ folders: ArraySlice<String>, _ id: String, _ body: () async throws -> T) async throws -> T {
        guard let folder = folders.first else { return try await body() }
        let file = lockFile(folder)
        return try await FileLock.withLock(
            file, runner: ToolRunner(tools: tools), waiting: { progress(.waiting(variant: id, holder: $0)) },
            body: { try await locked(folders.dropFirst(), id, body) })
    }

    private func lockFile(_ folder: String) -> String { "\(cache)/builds/\(Digest.sha256(folder.utf8).prefix(16)).lock" }

    /// The lock that the programs of a build hold.
    private func programLock(_ variant: ImageVariant) throws(Problem) -> String {
        lockFile(try builder(variant).exclusive(variant).first ?? variant.id) + ".programs"
    }

    private func registerOnly(_ variant: ImageVariant) async throws -> RegistrationOutcome {
        return try await registry.register(
            ImageRegistration(variant: variant, files: try ImageRegistration.files(of: variant), provenance: await .of(variant)))
    }

    private func build(_ job: Job, _ log: String, _ number: Int, _ count: Int) async throws -> RegistrationOutcome {
        let variant = job.variant
        try Folder.create(Folder.parent(log))
        try Folder.write("", to: log)
        progress(.started(variant: variant.id, number: number, count: count, why: job.why, log: log))
        let scratch = "\(cache)/builds/\(Digest.sha256(variant.id.utf8).prefix(16)).out"
        Folder.remove(scratch)
        try Folder.create(scratch)
        defer { Folder.remove(scratch) }
        // A build whose vmlab was killed may still be at work there.
        try await FileLock.withLock(
            try programLock(variant), runner: ToolRunner(tools: tools), waiting: { progress(.waiting(variant: variant.id, holder: $0)) },
            body: {})
        let aside = variant.outputFolder.map { OutputsAside(variant, folder: $0) }
        try aside?.move()
        do {
            let start = ContinuousClock.now
            let (product, files) = try await make(variant, log: log, scratch: scratch)
            var provenance = await Provenance.of(variant)
            provenance.builderDigest = product.builderDigest
            provenance.container = product.container
            provenance.inputs = job.inputs
            provenance.buildSeconds = Double(start.duration(to: .now).components.seconds)
            let outcome = try await registry.register(
                ImageRegistration(variant: variant, files: files, provenance: provenance, log: log),
                waiting: { progress(.waiting(variant: variant.id, holder: $0)) })
            aside?.drop()
            return outcome
        } catch {
            try aside?.putBack()
            throw error
        }
    }

    /// Lets the builder work, twice where it saw nothing to do, and finds the outputs.
    private func make(_ variant: ImageVariant, log: String, scratch: String) async throws -> (VariantProduct, [String: String]) {
        let first = try await watched(variant, log: log, scratch: scratch, isForced: false)
        let missing = variant.outputs.first { $0.candidates(in: first.folder ?? "").isEmpty }
        guard variant.builder == .isar, let missing else { return (first, try files(of: variant, first)) }
        progress(.again(variant: variant.id, missing: missing.name))
        let second = try await watched(variant, log: log, scratch: scratch, isForced: true)
        return (second, try files(of: variant, second))
    }

    private func files(of variant: ImageVariant, _ product: VariantProduct) throws(Problem) -> [String: String] {
        guard let folder = product.folder else { return product.files }
        return try ImageRegistration.files(of: variant, in: folder)
    }

    /// Lets the builder work, and ends it when nothing is heard from it for too long.
    private func watched(_ variant: ImageVariant, log: String, scratch: String, isForced: Bool) async throws -> VariantProduct {
        let minutes = variant.settings["stallMinutes"].flatMap(Double.init) ?? Self.stallMinutes
        let life = SignsOfLife()
        let work = VariantWork(
            log: FilePath(log), scratch: scratch, lock: try programLock(variant), isForced: isForced,
            activity: { text in
                life.doing(text)
                progress(.activity(variant: variant.id, text: text))
            }, alive: { life.heard() })
        let builder = try builder(variant)
        return try await withThrowingTaskGroup(of: VariantProduct?.self) { group in
            group.addTask { try await builder.build(variant, work) }
            group.addTask {
                var told = false
                while true {
                    let seconds = life.silence
                    let limit = minutes * 60
                    if seconds >= limit { throw stalled(variant, Int(seconds), life.activity, log) }
                    if seconds < limit / 4 { told = false }
                    if seconds >= limit / 4, !told {
                        told = true
                        progress(.silent(variant: variant.id, seconds: Int(seconds), hint: hint()))
                    }
                    try await Task.sleep(for: .seconds(max(0.2, min(limit / 8, limit - seconds))))
                }
            }
            defer { group.cancelAll() }
            while let product = try await group.next() { if let product { return product } }
            throw CancellationError()
        }
    }

    /// How long a builder may be silent by default, minutes. bitbake says nothing while a task runs, and a task may unpack gigabytes.
    private static let stallMinutes = 30.0

    private func stalled(_ variant: ImageVariant, _ seconds: Int, _ activity: String, _ log: String) -> Problem {
        Problem(
            .failure, "\(variant.id): nothing was heard from its builder for \(seconds) s", location: log,
            why: "the last that it said it was doing: \(activity)" + (hint().map { "; \($0)" } ?? ""),
            remedy: "look at the log; give it longer with the setting `stallMinutes` at \(variant.source)")
    }

    private func hint() -> String? {
        let targets = nineP.mounts().map(\.target)
        return targets.isEmpty ? nil : "a 9p file system is mounted at \(targets.joined(separator: ", ")), on which sync() can hang (FM-6)"
    }

    private func logFile(_ variant: ImageVariant) -> String { "\(cache)/builds/\(Digest.sha256(variant.id.utf8).prefix(16)).log" }
}
