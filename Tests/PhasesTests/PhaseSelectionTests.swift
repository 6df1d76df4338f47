import Foundation
import LabEvents
import Testing

@testable import Phases
@testable import VMLab

@Suite("Phases are chosen and wait", .tier(.unit))
struct PhaseSelectionTests {
    private static func scenario(_ notes: Notes) -> Scenario {
        func phase(_ name: String) -> Phase { Phase(name) { _ in notes.add(name) } }
        return Scenario("test", intent: "", nodes: 3) {
            phase("boot")
            Phase("cluster") {
                phase("first")
                phase("join")
            }
            phase("check")
            phase("clean").always()
        }
    }

    struct Choice: Sendable, CustomTestStringConvertible {
        var request: PhaseRequest
        var done: [String]
        var left: [String]
        var testDescription: String { "\(request.from ?? "") \(request.until ?? "") \(request.only ?? "")" }
    }

    @Test(
        "by the first, the last, or one",
        arguments: [
            Choice(request: PhaseRequest(), done: ["boot", "first", "join", "check", "clean"], left: []),
            Choice(
                request: PhaseRequest(until: "first"), done: ["boot", "first", "clean"],
                left: ["cluster/join: skipped byDesign", "check: skipped byDesign"]),
            Choice(request: PhaseRequest(until: "cluster"), done: ["boot", "first", "join", "clean"], left: ["check: skipped byDesign"]),
            Choice(
                request: PhaseRequest(from: "cluster/join"), done: ["join", "check", "clean"],
                left: ["boot: skipped covered", "cluster/first: skipped covered"]),
            Choice(
                request: PhaseRequest(from: "cluster", until: "cluster"), done: ["first", "join", "clean"],
                left: ["boot: skipped covered", "check: skipped byDesign"]),
            Choice(
                request: PhaseRequest(only: "join"), done: ["join"],
                left: [
                    "boot: skipped byDesign", "cluster/first: skipped byDesign", "check: skipped byDesign", "clean: skipped byDesign",
                ]),
            Choice(
                request: PhaseRequest(only: "clean"), done: ["clean"],
                left: ["boot: skipped byDesign", "cluster: skipped byDesign", "check: skipped byDesign"]),
        ])
    func choices(_ choice: Choice) async throws {
        try await StillLab.with { still in
            let notes = Notes()
            let scenario = Self.scenario(notes)
            let outcome = await still.run(scenario, try still.session(scenario, choice.request))
            #expect(outcome.problem == nil)
            #expect(notes.all == choice.done)
            #expect(still.book.ends.filter { $0.contains("skipped") } == choice.left)
        }
    }

    @Test("an unknown phase, or none that is left, is refused with a list")
    func unknown() throws {
        let outline = Self.scenario(Notes()).outline
        #expect(outline.all.map(\.path) == ["boot", "cluster", "cluster/first", "cluster/join", "check", "clean"])
        let problem = #expect(throws: Problem.self) { try PhaseRequest(until: "jion").resolved(in: outline) }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.why == "the phases are 'boot', 'cluster', 'cluster/first', 'cluster/join', 'check', 'clean'")
        #expect(throws: Problem.self) { try PhaseRequest(from: "cluster", only: "boot").resolved(in: outline) }
        let two = [
            PhaseOutline(path: "a", phases: [PhaseOutline(path: "a/x")]), PhaseOutline(path: "b", phases: [PhaseOutline(path: "b/x")]),
        ]
        #expect(#expect(throws: Problem.self) { try two.phase("x") }?.what == "'x' is the name of several phases")
    }

    @Test("a run waits before a phase, goes on to the next, and to the end; the time does not count")
    func pausing() async throws {
        try await StillLab.with { still in
            let notes = Notes()
            let scenario = Self.scenario(notes)
            let session = try still.session(scenario, PhaseRequest(pauseBefore: "cluster"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { #expect(await still.run(scenario, session).problem == nil) }
                try await Self.pause(of: session, at: "cluster")
                #expect(notes.all == ["boot"] && still.book.hasReached(.paused))
                #expect(session.goOn(toNext: true))
                try await Self.pause(of: session, at: "cluster/first")
                #expect(session.goOn(toNext: true))
                try await Self.pause(of: session, at: "cluster/join")
                #expect(notes.all == ["boot", "first"] && session.pausedTime > .zero)
                #expect(session.goOn(toNext: false))
                try await group.waitForAll()
            }
            #expect(notes.all == ["boot", "first", "join", "check", "clean"])
            #expect(!session.goOn(toNext: false))
        }
    }

    @Test("a lab that is taken from a paused run: nothing more is done with it, not even at the end")
    func left() async throws {
        try await StillLab.with { still in
            let notes = Notes()
            let scenario = Self.scenario(notes)
            let session = try still.session(scenario, PhaseRequest(pauseBefore: "join"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { #expect(await still.run(scenario, session).error is PhaseSession.Left) }
                try await Self.pause(of: session, at: "cluster/join")
                #expect(session.leave())
                try await group.waitForAll()
            }
            #expect(notes.all == ["boot", "first"])
            #expect(still.book.ends.suffix(2) == ["cluster/join: paused", "cluster: interrupted"])
        }
    }

    @Test("a breakpoint waits when somebody is there, and does nothing otherwise or outside of phases")
    func breakpoints() async throws {
        for isAttached in [false, true] {
            try await StillLab.with { still in
                let scenario = Scenario("test", intent: "", nodes: 3) { Phase("a") { _ in try await breakpoint("look") } }
                var request = PhaseRequest()
                request.isAttached = isAttached
                let session = try still.session(scenario, request)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { #expect(await still.run(scenario, session).problem == nil) }
                    if isAttached {
                        try await Self.pause(of: session, at: "a")
                        #expect(session.goOn(toNext: false))
                    }
                    try await group.waitForAll()
                }
                let reason = still.book.phases.first { $0.state == .paused }?.reason
                #expect(reason?.contains("PhaseSelectionTests.swift") ?? false == isAttached)
            }
        }
        try await breakpoint()
    }

    @Test("next is the phase after the last that passed")
    func ledger() {
        let outline = Self.scenario(Notes()).outline
        let ledger = PhaseLedger()
        var number = 0
        func note(_ phase: String, _ state: LabEvent.PhaseState) {
            number += 1
            ledger.record(
                LabEvent(sequence: number, time: .init(), severity: .info, kind: .phase(LabEvent.PhaseChange(phase, state))))
        }
        #expect(ledger.next(in: outline)?.path == "boot")
        note("boot", .passed)
        note("cluster/first", .passed)
        note("cluster/join", .failed)
        #expect(ledger.next(in: outline)?.path == "cluster/join")
        note("cluster/join", .skipped)
        #expect(ledger.list(outline).first { $0.phase == "cluster/join" }?.state == .failed, "what was done counts more")
        note("check", .passed)
        #expect(ledger.next(in: outline) == nil)
        note("boot", .passed)
        #expect(ledger.list(outline).first(where: \.isNext)?.phase == "cluster/first")
    }

    @Test("mistakes in a scenario are found before anything starts, with their line")
    func mistakes() throws {
        func problem(@PhaseBuilder _ phases: () -> [Phase]) -> Problem? {
            let scenario = Scenario("test", intent: "", nodes: 2, phases: phases)
            return #expect(throws: Problem.self) { try scenario.topology(.init()) }
        }
        let nothing: @Sendable (Lab) async throws -> Void = { _ in }
        for (found, words) in [
            (problem { Phase("a/b", body: nothing) }, "cannot be called 'a/b'"),
            (problem { for _ in 0..<2 { Phase("a", body: nothing) } }, "two phases are called 'a'"),
            (problem { Phase("a", body: nothing).repeated(0) }, "repeated 0 times"),
            (problem { Phase("a") { Phase("b", body: nothing).always() } }, "cannot be 'always'"),
            (problem { Phase("a", body: nothing).expectedToFail(matching: "(", because: "") }, "no regular expression"),
            (problem { Phase("a") { if false { Phase("b", body: nothing) } } }, "has no phases"),
        ] {
            #expect(found?.what.contains(words) == true, "\(words): \(found?.what ?? "")")
            #expect(found?.kind == .invalidInput && found?.location?.hasPrefix("PhasesTests/PhaseSelectionTests.swift:") == true)
        }
    }

    struct Network: Sendable, CustomTestStringConvertible {
        var need: NetworkNeed
        var wishes: Scenario.Wishes
        var nodes: [String]?
        let testDescription: String
    }

    @Test(
        "the network is any, one by name, or the scenario's own; the number of nodes likewise",
        arguments: [
            Network(need: .any, wishes: .init(), nodes: ["n1", "n2"], testDescription: "any"),
            Network(need: .any(otherwise: "x", "y"), wishes: .init(), nodes: ["x", "y"], testDescription: "any, with names"),
            Network(
                need: .any(otherwise: "x", "y"), wishes: .init(profile: "vlans"), nodes: ["server-1", "server-2"],
                testDescription: "any, by --profile"),
            Network(need: .profile("vlans"), wishes: .init(), nodes: ["server-1", "server-2"], testDescription: "by name"),
            Network(need: .profile("vlans"), wishes: .init(profile: "simple"), nodes: nil, testDescription: "by name, another asked for"),
            Network(need: .any, wishes: .init(nodes: 3), nodes: nil, testDescription: "another number"),
        ])
    func networks(_ network: Network) throws {
        let scenario = Scenario("test", intent: "", network: network.need, nodes: 2, images: ["server-2": "debian", "y": "debian"]) {
            Phase("a") { _ in }
        }
        guard let nodes = network.nodes else {
            #expect(#expect(throws: Problem.self) { try scenario.topology(network.wishes) }?.kind == .invalidInput)
            return
        }
        let topology = try scenario.topology(network.wishes)
        #expect(topology.nodes.map(\.name) == nodes)
        let isNamed = nodes != ["n1", "n2"]
        #expect(topology.nodes.map(\.image) == ["mini", isNamed ? "debian" : "mini"])
    }

    @Test("a scenario's own time limits take the place of those of the same names")
    func budgets() async throws {
        try await StillLab.with(budgets: [Budget("wait", .milliseconds(20))]) { still in
            #expect(still.lab.budget(.boot) == .boot)
            #expect(still.lab.nodes[0].budget(.wait).limit == .milliseconds(20))
        }
    }

    private static func pause(of session: PhaseSession, at phase: String) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while session.pausedAt != phase {
            try #require(ContinuousClock.now < deadline, "not paused at \(phase) but at \(session.pausedAt ?? "nothing")")
            await Task.yield()
        }
    }
}
