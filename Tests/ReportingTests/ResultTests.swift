import Foundation
import LabEvents
import Testing

@testable import Reporting

@Suite(.tier(.unit)) struct ResultTests {
    @Test func `a run's result is this`() throws {
        let run = Run()
        let recorder = ResultRecorder(standIn: "three etcd members")
        for event in run.story().dropLast() { recorder.record(event) }
        #expect(recorder.result.outcome == nil)
        recorder.record(run.event(7, .step(.init(step: "last", state: .started))))
        recorder.record(run.event(7.5, .node(.init(state: .booting, boot: 2)), node: "a"))
        recorder.record(run.event(8, .node(.init(state: .panicked, boot: 2)), node: "a"))
        recorder.record(run.event(11, .lab(.init(state: .tearingDown))))
        recorder.record(run.event(11.5, .node(.init(state: .off, boot: 2)), node: "a"))
        recorder.record(run.event(12.5, .runFinished(.init(outcome: .failed, exitCode: 1, seconds: 12.5, cause: "step ping failed"))))
        recorder.record(run.event(20, .problem(.init(Problem(.failure, "too late")))))
        #expect(
            String(decoding: try recorder.result.json(), as: UTF8.self) == """
                {
                  "cause" : "step ping failed",
                  "exitCode" : 1,
                  "finishedAt" : "2026-11-21T04:42:12.500Z",
                  "nodes" : [
                    {
                      "boots" : 2,
                      "finalState" : "panicked",
                      "name" : "a"
                    },
                    {
                      "boots" : 0,
                      "finalState" : "waiting",
                      "name" : "b"
                    }
                  ],
                  "outcome" : "failed",
                  "phases" : [

                  ],
                  "problems" : [
                    {
                      "do" : "look",
                      "kind" : "failure",
                      "what" : "b did not answer",
                      "why" : "it\\u001b]0;x\\u0007 panicked"
                    }
                  ],
                  "run" : "r-1",
                  "scenario" : "two nodes",
                  "schema" : 1,
                  "seconds" : 12.5,
                  "standIn" : "three etcd members",
                  "startedAt" : "2026-11-21T04:42:00.000Z",
                  "steps" : [
                    {
                      "detail" : "no answer",
                      "name" : "ping",
                      "seconds" : 1.5,
                      "state" : "failed"
                    },
                    {
                      "name" : "last",
                      "state" : "started"
                    }
                  ]
                }

                """)
        #expect(try JSONDecoder().decode(RunResult.self, from: Data(recorder.result.json())) == recorder.result)
    }

    @Test func `a node's last boot counts, and steps of one name are told apart`() {
        let run = Run()
        let recorder = ResultRecorder()
        recorder.record(run.event(0, .node(.init(state: .booting, boot: 1)), node: "a"))
        recorder.record(run.event(3, .node(.init(state: .ready, boot: 1, seconds: 3)), node: "a"))
        recorder.record(run.event(4, .node(.init(state: .paused, boot: 1)), node: "a"))
        #expect(recorder.result.nodes == [.init(name: "a", finalState: .paused, boots: 1, readySeconds: 3)])
        recorder.record(run.event(5, .node(.init(state: .booting, boot: 2)), node: "a"))
        #expect(recorder.result.nodes.first?.readySeconds == nil)
        for state in [LabEvent.StepState.started, .passed, .started, .failed] {
            recorder.record(run.event(6, .step(.init(step: "s", state: state, seconds: state == .started ? nil : 1))))
        }
        #expect(recorder.result.steps == [.init(name: "s", state: .passed, seconds: 1), .init(name: "s", state: .failed, seconds: 1)])
    }
}
