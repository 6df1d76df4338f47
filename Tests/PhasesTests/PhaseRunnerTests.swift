import GuestShell
import LabEvents
import Testing

@testable import Phases
@testable import VMLab

@Suite("Phases run", .tier(.unit))
struct PhaseRunnerTests {
    private func failing(_ name: String, _ what: String = "it broke") -> Phase {
        Phase(name) { _ in throw Problem(.failure, what, why: "of course") }
    }

    @Test("one after the other, each group around its own; a failure leaves out what follows, and says so")
    func order() async throws {
        try await StillLab.with { still in
            let notes = Notes()
            let outcome = try await still.run {
                Phase("a") { _ in
                    notes.add("a")
                    return "found it"
                }
                Phase("b") {
                    Phase("c") { _ in notes.add("c") }
                    failing("d")
                    Phase("e") { _ in notes.add("e") }
                }
                Phase("f") { _ in notes.add("f") }
            }
            #expect(notes.all == ["a", "c"])
            #expect(
                still.book.ends == [
                    "a: passed", "b/c: passed", "b/d: failed", "b/e: skipped missing", "b: failed", "f: skipped missing",
                ])
            #expect(outcome.problem == Problem(.failure, "it broke", why: "of course"))
            #expect(still.book.phases.first { $0.phase == "a" && $0.state == .passed }?.detail == "found it")
            #expect(still.book.phases.first { $0.phase == "b/e" }?.reason == "'b/d' failed")
            let failed = try #require(still.book.phases.first { $0.phase == "b/d" && $0.state == .failed })
            #expect(failed.problem == outcome.problem && failed.line != nil && failed.file == "PhasesTests/PhaseRunnerTests.swift")
            #expect(still.book.severity("b/d", .failed) == .error)
        }
    }

    @Test("in parallel on nodes: all end, and the first that failed is the failure, with the others' names")
    func parallel() async throws {
        try await StillLab.with { still in
            let gates = [Gate<Void>(), Gate<Void>()]
            let outcome = try await still.run {
                Phase.parallel("together", for: .role("server")) { node in
                    // Each waits for the other: one after the other they would never end.
                    let index = node.name == "server-1" ? 0 : 1
                    gates[index].open(())
                    try await gates[1 - index].wait()
                    return "met"
                }
                Phase.parallel("some break", for: .all) { node, lab in
                    #expect(lab.nodes.contains { $0 === node })
                    if node.name != "server-1" { throw Problem(.failure, "\(node.name) broke") }
                }
            }
            #expect(
                Set(still.book.ends) == [
                    "together/server-1: passed", "together/server-2: passed", "together: passed", "some break/server-1: passed",
                    "some break/server-2: failed", "some break/agent-1: failed", "some break: failed",
                ])
            #expect(outcome.problem == Problem(.failure, "server-2 broke", why: "it failed on agent-1 too"))
        }
        try await StillLab.with { still in
            try await still.run {
                Phase("a") { _ in }
                Phase.parallel("nobody", for: .role("database")) { _ in }
            }
            #expect(still.book.ends == ["a: passed", "nobody: skipped missing"])
            #expect(still.book.phases.last?.reason == "the lab has no database nodes")
        }
    }

    @Test("optional: a failure is a warning, and the rest goes on, also around a group")
    func optional() async throws {
        try await StillLab.with { still in
            let outcome = try await still.run {
                failing("nice to have").optional()
                Phase("group") { failing("part") }.optional()
                Phase("needed") { _ in }
            }
            #expect(outcome.problem == nil)
            #expect(still.book.ends == ["nice to have: failed", "group/part: failed", "group: failed", "needed: passed"])
            for phase in ["nice to have", "group/part", "group"] { #expect(still.book.severity(phase, .failed) == .warning, "\(phase)") }
        }
    }

    @Test("repeated: as often as asked, each with its number; the first failure ends it")
    func repeated() async throws {
        try await StillLab.with { still in
            let notes = Notes()
            let outcome = try await still.run {
                Phase("well") { _ in notes.add("well") }.repeated(2)
                Phase("badly") { _ in
                    notes.add("badly")
                    if notes.all.count == 4 { throw Problem(.failure, "the second") }
                }.repeated(5)
            }
            #expect(notes.all == ["well", "well", "badly", "badly"])
            #expect(still.book.ends == ["well #1: passed", "well #2: passed", "badly #1: passed", "badly #2: failed"])
            #expect(outcome.problem?.what == "the second")
        }
    }

    struct Condition: Sendable, CustomTestStringConvertible {
        var profile: String
        var has: Set<NetworkFeature>
        var testDescription: String { profile }
    }

    @Test(
        "conditional on what the network has; the reason is told",
        arguments: [
            Condition(profile: "simple", has: []), Condition(profile: "vlans", has: [.vlans]),
            Condition(profile: "bonding-vlans", has: [.bonds, .vlans]),
            Condition(profile: "bonding-two-switches", has: [.bonds, .vlans, .severalSwitches]),
            Condition(profile: "dhcp-simple", has: [.dhcp]), Condition(profile: "dual-stack", has: [.ipv6]),
        ])
    func conditions(_ condition: Condition) async throws {
        try await StillLab.with(condition.profile) { still in
            try await still.run {
                Phase("always there") { _ in }
                for feature in NetworkFeature.allCases { Phase(feature.rawValue) { _ in }.requires(feature) }
            }
            for feature in NetworkFeature.allCases {
                let change = still.book.phases.last { $0.phase == feature.rawValue }
                #expect(change?.verdict == (condition.has.contains(feature) ? .passed : .skipped), "\(feature)")
                if !condition.has.contains(feature) {
                    #expect(change?.skip == .byDesign && change?.reason?.hasPrefix("the network has no ") == true)
                }
            }
        }
    }

    struct Expected: Sendable, CustomTestStringConvertible {
        var failure: Problem?
        var verdict: Verdict
        var words: String
        var testDescription: String { verdict.rawValue }
    }

    @Test(
        "expected to fail: as expected is fine, otherwise or not at all is a failure",
        arguments: [
            Expected(failure: Problem(.failure, "join", why: "waited 12.5 s, no route to host"), verdict: .expectedFailure, words: "join"),
            Expected(
                failure: Problem(.failure, "join", why: "out of memory"), verdict: .failed, words: "otherwise than it was meant to: join"),
            Expected(failure: nil, verdict: .unexpectedlyPassed, words: "was meant to fail"),
        ])
    func expected(_ expected: Expected) async throws {
        try await StillLab.with { still in
            let outcome = try await still.run {
                Phase("join") { _ in if let failure = expected.failure { throw failure } }
                    .expectedToFail(matching: "no route.*host", because: "the VLANs differ")
                Phase("after") { _ in }
            }
            let end = try #require(still.book.phases.last { $0.phase == "join" })
            #expect(end.verdict == expected.verdict)
            #expect(end.problem?.what.contains(expected.words) == true, "\(end)")
            #expect((outcome.problem == nil) == (expected.verdict == .expectedFailure))
            #expect(still.book.phases.last?.verdict == (expected.verdict == .expectedFailure ? .passed : .skipped))
            if expected.verdict == .failed {
                #expect(end.problem?.why?.contains("out of memory") == true && end.problem?.why?.contains("/no route.*host/") == true)
            }
        }
    }

    @Test("always: after a failure too, each of them, and their own failure counts when nothing else failed")
    func always() async throws {
        try await StillLab.with { still in
            let outcome = try await still.run {
                failing("first clean", "dirty").always()
                Phase("second clean") { _ in }.always()
                failing("work")
            }
            #expect(still.book.ends == ["work: failed", "first clean: failed", "second clean: passed"])
            #expect(outcome.problem?.what == "it broke")
        }
        try await StillLab.with { still in
            let outcome = try await still.run {
                Phase("work") { _ in }
                failing("clean", "dirty").always()
            }
            #expect(outcome.problem?.what == "dirty")
        }
    }

    @Test("a run that is ended: the phase is interrupted, nothing more is begun, and what must run at the end does")
    func cancelled() async throws {
        try await StillLab.with { still in
            let hangs = Gate<Void>()
            let started = Gate<Void>()
            let scenario = Scenario("test", intent: "", nodes: 3) {
                Phase("hangs") { _ in
                    started.open(())
                    try await hangs.wait()
                }.optional()
                Phase("after") { _ in }
                Phase("clean") { _ in try Task.checkCancellation() }.always()
            }
            let session = try still.session(scenario)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await scenario.execute(still.lab, session) }
                try? await started.wait()
                group.cancelAll()
            }
            try await scenario.conclude(still.lab, session)
            #expect(still.book.ends == ["hangs: interrupted", "clean: passed"])
        }
    }

    @Test("a guest that is lost is why the phase under way failed, however patient the phase is")
    func lost() async throws {
        try await StillLab.with { still in
            let outcome = try await still.run {
                Phase("waits") { lab in
                    lab.context.fail(Problem(.failure, "b is gone"))
                    try await Gate<Void>().wait()
                }.optional()
                Phase("clean") { _ in }.always()
            }
            #expect(outcome.problem?.what == "b is gone")
            #expect(still.book.ends == ["waits: failed", "clean: passed"])
            #expect(still.book.phases.last { $0.phase == "waits" }?.problem?.what == "b is gone")
        }
    }

    @Test("nothing executed is a failure; a skip that a phase throws is no execution")
    func nothing() async throws {
        try await StillLab.with { still in
            let outcome = try await still.run {
                Phase("bonds") { _ in }.requires(.bonds)
                Phase("tools") { _ in throw Skip.missing("no curl in the guest") }
                Phase("group") { Phase("dhcp") { _ in }.requires(.dhcp) }
                Phase("clean") { _ in }.always()
            }
            #expect(outcome.problem?.what == "nothing was executed")
            #expect(
                still.book.ends == [
                    "bonds: skipped byDesign", "tools: skipped missing", "group/dhcp: skipped byDesign", "group: skipped byDesign",
                    "clean: passed",
                ])
        }
    }

    @Test("an unfit host is its own verdict")
    func environment() async throws {
        try await StillLab.with { still in
            let outcome = try await still.run { Phase("a") { _ in throw Problem.environment(.diskFull, "no space") } }
            #expect(still.book.ends == ["a: environment"])
            #expect(outcome.problem?.exitCode == 3)
        }
    }
}
