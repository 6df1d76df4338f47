import LabEvents
import Testing

@testable import Reporting

@Suite("JUnit", .tier(.unit)) struct JUnitTests {
    @Test func `a run's phases are these cases`() throws {
        let run = Run()
        let recorder = ResultRecorder()
        func record(
            _ seconds: Double, _ phase: String, _ state: LabEvent.PhaseState, _ change: (inout LabEvent.PhaseChange) -> Void = { _ in }
        ) {
            var phase = LabEvent.PhaseChange(phase, state)
            change(&phase)
            recorder.record(run.event(seconds, .phase(phase)))
        }
        recorder.record(
            run.event(
                0,
                .runStarted(
                    .init(run: "r-1", scenario: "a & b", plan: "p", nodes: ["a"], owner: 1, seed: 7, accelerator: "tcg", profile: "vlans")))
        )
        record(0, "boot", .started)
        record(4.1, "boot", .passed) { ($0.verdict, $0.seconds, $0.file, $0.line) = (.passed, 4.1004, "S/A.swift", 9) }
        record(4.1, "bonds", .skipped) { ($0.verdict, $0.skip, $0.reason) = (.skipped, .byDesign, "the network has no \"bonds\"") }
        record(4.2, "cluster", .started)
        record(4.2, "cluster/join", .started) { $0.attempt = 1 }
        record(5, "cluster/join", .paused)
        record(5, "cluster/join", .continued)
        record(5.2, "cluster/join", .passed) { ($0.verdict, $0.seconds, $0.attempt, $0.detail) = (.passed, 1, 1, "1 < 2") }
        record(5.2, "cluster/join", .started) { $0.attempt = 2 }
        record(6, "cluster/join", .failed) {
            ($0.verdict, $0.seconds, $0.attempt) = (.failed, 0.8, 2)
            $0.problem = Problem(.failure, "no <answer>", location: "a", why: "line 1\nline 2 \u{1B}[31m", remedy: "look")
        }
        record(6, "cluster", .failed) { ($0.verdict, $0.seconds) = (.failed, 1.8) }
        record(6, "broken", .started)
        record(6, "broken/inner", .failed) { ($0.verdict, $0.problem) = (.failed, Problem(.failure, "no route")) }
        record(7, "broken", .passed) {
            ($0.verdict, $0.seconds, $0.reason, $0.problem) = (.expectedFailure, 1, "VLANs differ", Problem(.failure, "no route"))
        }
        record(7, "odd", .failed) { ($0.verdict, $0.seconds, $0.problem) = (.unexpectedlyPassed, 0, Problem(.failure, "it passed")) }
        record(7, "nice", .failed) { ($0.verdict, $0.optional, $0.problem) = (.failed, true, Problem(.failure, "too slow")) }
        record(7, "disk", .failed) { ($0.verdict, $0.problem) = (.environment, .environment(.diskFull, "no space")) }
        record(8, "hangs", .started)
        recorder.record(run.event(9, .runFinished(.init(outcome: .failed, exitCode: 1, seconds: 9, cause: "no <answer>"))))
        #expect(
            recorder.result.junit() == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites name="a &amp; b" tests="9" failures="2" errors="2" skipped="2" time="9.000">
                  <testsuite name="a &amp; b" tests="9" failures="2" errors="2" skipped="2" time="9.000" timestamp="2026-11-21T04:42:00">
                    <properties>
                      <property name="run" value="r-1"/>
                      <property name="seed" value="7"/>
                      <property name="accelerator" value="tcg"/>
                      <property name="profile" value="vlans"/>
                    </properties>
                    <testcase classname="a &amp; b" name="boot" time="4.100" file="S/A.swift" line="9"/>
                    <testcase classname="a &amp; b" name="bonds" time="0.000">
                      <skipped message="by design: the network has no &quot;bonds&quot;"/>
                    </testcase>
                    <testcase classname="a &amp; b" name="cluster/join #1" time="1.000">
                      <system-out>1 &lt; 2</system-out>
                    </testcase>
                    <testcase classname="a &amp; b" name="cluster/join #2" time="0.800">
                      <failure type="failed" message="no &lt;answer&gt;">error: no &lt;answer&gt;
                  where: a
                  why: line 1
                         line 2 \u{FFFD}[31m
                  do: look</failure>
                    </testcase>
                    <testcase classname="a &amp; b" name="broken" time="1.000">
                      <system-out>failed as expected: no route
                because: VLANs differ</system-out>
                    </testcase>
                    <testcase classname="a &amp; b" name="odd" time="0.000">
                      <failure type="unexpectedlyPassed" message="it passed">error: it passed</failure>
                    </testcase>
                    <testcase classname="a &amp; b" name="nice" time="0.000">
                      <skipped message="optional, failed: too slow"/>
                    </testcase>
                    <testcase classname="a &amp; b" name="disk" time="0.000">
                      <error type="environment" message="no space">env: disk-full
                error: no space</error>
                    </testcase>
                    <testcase classname="a &amp; b" name="hangs" time="0.000">
                      <error type="interrupted" message="the run ended before it"/>
                    </testcase>
                  </testsuite>
                </testsuites>

                """)
    }

    @Test func `a run that failed outside of its phases has a case that says so`() {
        let run = Run()
        let recorder = ResultRecorder()
        recorder.record(run.event(1, .problem(.init(.environment(.noMemory, "too little memory"))), severity: .error))
        recorder.record(run.event(2, .runFinished(.init(outcome: .notRun, exitCode: 3, seconds: 2, cause: "too little memory"))))
        #expect(
            recorder.result.junit().contains(
                """
                    <testcase classname="" name="run" time="2.000">
                      <error type="notRun" message="too little memory">env: no-memory
                error: too little memory</error>
                    </testcase>
                """))
    }

    @Test func `phases on a terminal are indented by their depth`() {
        let run = Run()
        let recorder = run.recorder(.plain)
        for (phase, state) in [("a", LabEvent.PhaseState.started), ("a/b", .started), ("a/b", .passed), ("a", .failed), ("c", .skipped)] {
            var change = LabEvent.PhaseChange(phase, state)
            if state == .passed { (change.verdict, change.seconds, change.detail) = (.expectedFailure, 1.5, "as it should") }
            if state == .failed { (change.verdict, change.optional, change.problem) = (.failed, true, Problem(.failure, "no answer")) }
            if state == .skipped { (change.verdict, change.skip, change.reason) = (.skipped, .covered, "before") }
            recorder.record(run.event(1, .phase(change), severity: state == .failed ? .warning : .info))
        }
        #expect(
            run.output == """
                  0.0 s  a: started
                  0.0 s    b: started
                  0.0 s    b: expected failure (1.5 s): as it should
                  0.0 s  a: failed, which is only a warning: no answer
                  0.0 s  c: skipped (covered): before

                """)
    }
}
