import Foundation
import LabEvents
import Testing

@testable import Phases
@testable import VMLab

@Suite("Captures around phases", .tier(.unit))
struct PhaseCaptureTests {
    /// A lab without machines, with what serves its captures.
    private static func with(_ body: @escaping @Sendable (StillLab) async throws -> Void) async throws {
        try await StillLab.with { still in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask { await still.lab.captureBook.jobs.serve() }
                try await body(still)
            }
        }
    }

    private static func running(_ lab: Lab) -> [String] { lab.captures.filter { $0.state == .running }.map(\.name) }

    @Test("The capture of a phase runs as long as the phase, each time under another name, whether it fails or not")
    func modifier() async throws {
        try await Self.with { still in
            let notes = Notes()
            let outcome = try await still.run {
                Phase("before") { lab in notes.add("before \(Self.running(lab))") }
                Phase("twice") { lab in notes.add("twice \(Self.running(lab))") }.capturing("lan", "server-1.eth1").repeated(2)
                Phase("outer") {
                    Phase("inner") { lab in notes.add("inner \(Self.running(lab))") }
                    Phase("failing") { _ in throw Problem(.failure, "no") }.capturing("server-2").optional()
                    Phase("unknown") { _ in notes.add("never") }.capturing("wan").optional()
                }.capturing("lan")
                Phase("after") { lab in notes.add("after \(Self.running(lab))") }
            }
            #expect(outcome.error == nil)
            #expect(notes.all == ["before []", #"twice ["twice"]"#, #"twice ["twice-2"]"#, #"inner ["outer"]"#, "after []"])
            #expect(still.lab.captures.map(\.name) == ["twice", "twice-2", "outer", "outer-failing"])
            for capture in still.lab.captures {
                #expect(capture.state == .finished && capture.frames == 0)
                #expect(capture.notes == capture.interfaces.map { "\($0) was off" })
                // A section and a description of each interface.
                #expect(capture.bytes > 44)
            }
            #expect(still.lab.captures.first?.interfaces == ["server-1.eth1", "server-2.eth1", "agent-1.eth1"])
            let failure = still.book.phases.first { $0.phase == "outer/unknown" && $0.state == .failed }?.problem
            #expect(failure?.what == "there is nothing called 'wan' to capture")
        }
    }

    @Test("What a run was asked to capture during a phase is captured during that one")
    func request() async throws {
        try await Self.with { still in
            let notes = Notes()
            var request = PhaseRequest()
            (request.capture, request.captureDuring) = (["server-1"], "b")
            let wanted = request
            try await still.run(wanted) {
                Phase("a") { lab in notes.add("a \(Self.running(lab))") }
                Phase("b") { lab in notes.add("b \(Self.running(lab))") }
            }
            #expect(notes.all == ["a []", #"b ["b"]"#])
            #expect(throws: Problem.self) { try PhaseRequest(capture: "nowhere").resolved(in: [PhaseOutline(path: "a")]) }
        }
    }

    @Test("That QEMU could not write is told at once, and noted in what came of the capture")
    func full() async throws {
        try await Self.with { still in
            _ = try await still.lab.startCapture(["lan"])
            try still.lab.node("server-2").noteDump("qemu-system-x86_64: some other word")
            #expect(still.book.warnings == [])
            try still.lab.node("server-2").noteDump("qemu-system-x86_64: network dump write error - stopping dump")
            #expect(still.book.warnings.count == 1 && still.book.warnings.first?.hasPrefix("capture lan: QEMU could not write") == true)
            let report = try await still.lab.stopCapture()
            #expect(report.notes.first?.hasPrefix("QEMU could not write a file of server-2.eth1") == true)
            #expect(!report.notes.contains { $0.contains("of server-1.eth1") })
        }
    }

    @Test("The end of the lab ends what runs, and lets nothing begin")
    func end() async throws {
        try await Self.with { still in
            _ = try await still.lab.startCapture(["lan"])
            let refusal = await #expect(throws: Problem.self) { try await still.lab.startCapture(["lan"]) }
            #expect(refusal?.what == "lan is being captured already")
            await still.lab.finishCaptures(atMost: .seconds(30))
            #expect(still.lab.captures.map(\.state) == [.finished])
            await #expect(throws: Problem.self) { try await still.lab.startCapture(["server-1"]) }
        }
    }
}

extension PhaseRequest {
    /// A request for a capture during a phase.
    fileprivate init(capture during: String) {
        self.init()
        (capture, captureDuring) = (["lan"], during)
    }
}
