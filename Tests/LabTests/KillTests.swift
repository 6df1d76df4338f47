import Foundation
import Glibc
import LabEvents
import Reporting
import Testing

/// A signal to one of a run's two own processes at a station of the run.
struct KillCase: Sendable, CustomTestStringConvertible {
    enum Victim: String, Sendable, CaseIterable { case viewer, owner }

    let victim: Victim
    let signal: Int32
    let moment: Moment

    var testDescription: String { "\(victim.rawValue) \(Self.name(signal)) \(moment.rawValue)" }
    /// How long cleaning up may take.
    var limit: Duration { signal == SIGKILL ? .seconds(5) : .seconds(7) }

    static func name(_ signal: Int32) -> String {
        [SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGKILL: "SIGKILL"][signal] ?? "\(signal)"
    }

    static let signals = [SIGINT, SIGTERM, SIGHUP, SIGKILL]
    /// Those in which the program that started the lab is still there.
    static let attended = Victim.allCases.flatMap { victim in
        [Moment.starting, .planning, .booting, .running, .tearingDown].flatMap { moment in
            signals.map { KillCase(victim: victim, signal: $0, moment: moment) }
        }
    }
    static let keptOwner = signals.map { KillCase(victim: .owner, signal: $0, moment: .kept) }
}

@Suite("Signals to a run", .tier(.cluster), .serialized)
struct KillTests {
    @Test(
        "A signal to the viewer or the owner leaves nothing, and says so", .timeLimit(.minutes(20)), arguments: KillCase.attended.sampled(3)
    )
    func attended(_ kill: KillCase) async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            let victim = kill.victim == .viewer ? viewer.pid : try await run.owner()
            try await reach(kill.moment, run)
            let begin = ContinuousClock.now
            Glibc.kill(victim, kill.signal)
            try await run.settle(since: begin, limit: kill.limit, [viewer], case: kill.testDescription)
            try expect(kill, viewer, run)
        }
    }

    private func reach(_ moment: Moment, _ run: LabRun) async throws {
        switch moment {
        case .starting: break
        case .planning: try await run.wait(for: .planning)
        case .booting: try await run.wait(for: .booting)
        case .running: try await run.wait(for: .running)
        case .tearingDown:
            try await run.wait(for: .running)
            _ = try run.world.vmlab("down", run.identifier)
            try await run.wait(for: .tearingDown)
        case .kept: try await run.wait(for: .kept)
        }
    }

    private func expect(_ kill: KillCase, _ viewer: Program, _ run: LabRun) throws {
        let end = try #require(viewer.end)
        let name = KillCase.name(kill.signal)
        // What `vmlab down` began has an outcome already.
        let isOver = kill.moment == .tearingDown
        switch (kill.victim, kill.signal) {
        case (.viewer, SIGKILL):
            #expect(end == .signalled(SIGKILL))
            if !isOver { #expect(try run.result().cause?.contains("viewer is gone") == true) }
        case (.viewer, let signal):
            #expect(end == .exited(128 + signal), "\(viewer.stderr)")
            #expect(viewer.stderr.contains(name))
            if !isOver { #expect(try run.result().cause == "the viewer got \(name)") }
        case (.owner, SIGKILL):
            #expect(end == .exited(1), "\(viewer.stderr)")
            #expect(viewer.stderr.contains("signal 9") && viewer.stderr.contains("watchdog"), "\(viewer.stderr)")
        case (.owner, let signal):
            #expect(end == .exited(isOver ? 143 : 128 + signal), "\(viewer.stderr)")
            if !isOver { #expect(viewer.stderr.contains("the owner got \(name)"), "\(viewer.stderr)") }
        }
        let isLost = kill.victim == .owner && kill.signal == SIGKILL && !isOver
        try run.expectEvidence(kill.moment, outcome: isLost ? .ownerLost : .interrupted)
    }

    // MARK: A kept lab

    @Test("A signal to the owner of a kept lab leaves nothing", .timeLimit(.minutes(20)), arguments: KillCase.keptOwner)
    func keptOwner(_ kill: KillCase) async throws {
        try await World.with { world in
            let run = try await world.keptRun()
            let owner = try await run.owner()
            let begin = ContinuousClock.now
            Glibc.kill(owner, kill.signal)
            try await run.settle(since: begin, limit: kill.limit, case: kill.testDescription)
            // The scenario's outcome stands; what became of the lab later is in the events.
            try run.expectEvidence(.kept, outcome: .failed)
            if kill.signal != SIGKILL {
                let reason = "the owner got \(KillCase.name(kill.signal))"
                #expect(run.events().contains { $0.kind == .lab(LabEvent.LabChange(state: .tearingDown, reason: reason)) })
            }
        }
    }

    @Test("A kept lab does not care who watches it", .timeLimit(.minutes(20)))
    func keptViewer() async throws {
        try await World.with { world in
            let run = try await world.keptRun()
            for signal in KillCase.signals {
                let viewer = try world.vmlab("events", run.identifier, "--follow")
                _ = try await Poll.until("the events are shown") { viewer.stderr.contains("kept") ? true : nil }
                viewer.send(signal)
                #expect(try await viewer.wait(.seconds(7)) == (signal == SIGKILL ? .signalled(SIGKILL) : .exited(128 + signal)))
                let answer = try await world.end(of: "execute", run.identifier, "b", "--", "echo still $((40 + 2))")
                #expect(answer.stdout == "still 42\n" && answer.end == .exited(0), "\(answer.stderr)")
            }
            let begin = ContinuousClock.now
            let down = try world.vmlab("down", run.identifier)
            try await run.settle(since: begin, limit: .seconds(7), [down], case: "down of a kept lab")
            #expect(down.end == .exited(0))
        }
    }

    // MARK: Other ways to end

    @Test("A second Ctrl-C does not wait", .timeLimit(.minutes(20)))
    func twice() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .running)
            let begin = ContinuousClock.now
            viewer.send(SIGINT)
            viewer.send(SIGINT)
            try await run.settle(since: begin, limit: .seconds(5), [viewer], case: "viewer SIGINT twice")
            #expect(viewer.end == .exited(130))
        }
    }

    @Test("timeout(1) ends a run", .timeLimit(.minutes(20)))
    func timeout() async throws {
        try await World.with { world in
            let viewer = try world.start(["/usr/bin/timeout", "4", World.vmlab, "run", "two-nodes"])
            let run = try await world.run(of: viewer)
            try await run.wait(for: .booting)
            // Whoever asked for the end is known from the state that follows.
            try await run.wait(for: .tearingDown)
            try await run.settle(since: .now, limit: .seconds(7), [viewer], case: "timeout")
            #expect(viewer.end == .exited(124), "\(viewer.stderr)")
            #expect(viewer.stderr.contains("SIGTERM"))
            try run.expectEvidence(.booting, outcome: .interrupted)
        }
    }

    @Test("Closing the terminal ends a run", .timeLimit(.minutes(20)))
    func closedTerminal() async throws {
        try await World.with { world in
            let terminal = try Terminal()
            defer { terminal.close() }
            let viewer = try world.start([World.vmlab, "run", "two-nodes"], terminal: terminal.path)
            let identifier = try await Poll.until("a run begins") { world.runs().first }
            let run = LabRun(world: world, identifier: identifier)
            try await terminal.reading { try await run.wait(for: .running) }
            let begin = ContinuousClock.now
            terminal.close()
            try await run.settle(since: begin, limit: .seconds(7), [viewer], case: "terminal closed")
            #expect(viewer.end == .exited(129))
            #expect(try run.result().cause == "the viewer got SIGHUP")
            try run.expectEvidence(.running, outcome: .interrupted)
        }
    }
}

extension World {
    /// A kept lab whose nodes obey. Its scenario was given too little time, which is the quickest way to one.
    func keptRun() async throws -> LabRun {
        let viewer = try vmlab("run", "two-nodes", "--keep-on-failure", "--timeout", "1")
        let run = try await run(of: viewer)
        #expect(try await viewer.wait() == .exited(1))
        try await run.wait(for: .kept)
        try await run.waitForNodes()
        return run
    }
}
