import BuildRegistry
import Foundation
import GuestShell
import LabEvents
import NetworkProfiles
import QEMU
import Synchronization
import Testing

@testable import Phases
@testable import VMLab

/// Collects events.
final class EventBook: EventSink {
    private let events = Mutex<[(kind: LabEvent.Kind, node: String?, severity: LabEvent.Severity)]>([])

    func record(_ kind: LabEvent.Kind, node: String?, severity: LabEvent.Severity) { events.withLock { $0.append((kind, node, severity)) } }

    /// The changes of phases.
    var phases: [LabEvent.PhaseChange] {
        events.withLock { $0.compactMap { if case .phase(let change) = $0.kind { change } else { nil } } }
    }

    /// How phases ended, one a line: `boot: passed`; parts of nodes sorted, since they come at once.
    var ends: [String] {
        let all = phases.filter { $0.state != .started }.map { change in
            let attempt = change.attempt.map { " #\($0)" } ?? ""
            let skip = change.skip.map { " \($0.rawValue)" } ?? ""
            return "\(change.phase)\(attempt): \(change.verdict?.rawValue ?? change.state.rawValue)\(skip)"
        }
        return all
    }

    func severity(_ phase: String, _ state: LabEvent.PhaseState) -> LabEvent.Severity? {
        events.withLock { events in
            events.first { if case .phase(let change) = $0.kind { change.phase == phase && change.state == state } else { false } }?
                .severity
        }
    }

    /// The texts of messages that warn.
    var warnings: [String] {
        events.withLock { events in
            events.compactMap { if case .message(let message) = $0.kind, $0.severity == .warning { message.text } else { nil } }
        }
    }

    func hasReached(_ state: LabEvent.LabState) -> Bool {
        events.withLock { $0.contains { if case .lab(let change) = $0.kind { change.state == state } else { false } } }
    }
}

/// A lab whose machines are never started, and what runs phases on it.
struct StillLab: Sendable {
    let lab: Lab
    let book = EventBook()

    /// - Parameter profile: a profile that comes with vmlab.
    static func with<Result>(
        _ profile: String = "simple", nodes: Int = 3, budgets: [Budget] = [], _ body: (StillLab) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vmlab-still-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(try StillLab(profile, nodes: nodes, budgets: budgets, folder: folder))
    }

    private init(_ name: String, nodes: Int, budgets: [Budget], folder: String) throws {
        let wishes = Scenario.Wishes(profile: name)
        let profile = try #require(try wishes.network())
        let topology = try wishes.topology(scenario: "still", count: nodes, on: profile)
        let image = ImageFacts(name: "mini", key: String(repeating: "01", count: 32), bootModes: [.direct])
        let host = HostCapacity(
            logicalCPUs: 4, cpuQuota: nil, memoryTotalMiB: 65536, memoryAvailableMiB: 65536, diskFreeMiB: 100_000,
            sharedMemoryFreeMiB: 32768, accelerator: .tcg, acceleratorReason: nil, pace: 1, kernel: "6.1.0", system: "Debian")
        let plan = try LabPlan.make(scenario: "still", topology: topology, images: ["mini": image], host: host, seed: 7)
        let run = RunDirectory(identifier: "still", path: folder, sockets: folder)
        let failure = LabFailure()
        let context = LabContext(
            plan: plan, images: [:], folders: LabFolders(run: folder, sockets: folder, ram: folder, images: folder, firmware: ""), run: run,
            events: book, redactor: Redactor(), watch: try FolderWatch(), meter: PaceMeter(1), bootSlots: AsyncSemaphore(1),
            shell: GuestShellOptions(), login: nil, waysIn: [], bootBudget: .boot, budgets: budgets, fail: { failure.record($0) })
        lab = Lab(context: context, failure: failure)
    }

    /// What the end of an execution is.
    struct Outcome {
        var problem: Problem?
        var error: (any Error)?
    }

    func session(_ scenario: Scenario, _ request: PhaseRequest = PhaseRequest()) throws -> PhaseSession {
        PhaseSession(scenario.outline, try request.resolved(in: scenario.outline), events: book)
    }

    /// Executes phases as an owner does: the main ones, and those of the end in any case.
    @discardableResult
    func run(_ request: PhaseRequest = PhaseRequest(), @PhaseBuilder _ phases: () -> [Phase]) async throws -> Outcome {
        let scenario = Scenario("test", intent: "", nodes: 3, phases: phases)
        return await run(scenario, try session(scenario, request))
    }

    func run(_ scenario: Scenario, _ session: PhaseSession) async -> Outcome {
        var failure: (any Error)?
        do { try await lab.guarded { try await scenario.execute(lab, session) } } catch { failure = error }
        if !(failure is PhaseSession.Left) {
            do { try await scenario.conclude(lab, session) } catch { failure = failure ?? error }
        }
        return Outcome(problem: failure.map { Problem(of: $0) }, error: failure)
    }
}

/// Notes what was done, in its order.
final class Notes: Sendable {
    private let notes = Mutex<[String]>([])
    var all: [String] { notes.withLock { $0 } }
    func add(_ note: String) { notes.withLock { $0.append(note) } }
}
