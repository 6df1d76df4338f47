import Foundation
import GuestShell
import LabEvents
import Testing
import VMLab

/// The ends of a scope in which a fault is in force, other than its normal end.
enum ScopedFault {
    private struct Planned: Error {}

    /// The body throws.
    static func fail(_ lab: Lab, _ fault: Fault) async throws {
        do {
            try await lab.withFault(fault) { throw Planned() }
        } catch {
            #expect(error is Planned, "\(fault): \(error)")
        }
    }

    /// The body is cancelled once the fault is in force.
    static func cancel(_ lab: Lab, _ fault: Fault) async throws {
        let isIn = Gate<Void>()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await lab.withFault(fault) {
                        isIn.open(())
                        try await Task.sleep(for: .seconds(600))
                    }
                }
                group.addTask {
                    try await isIn.wait()
                    throw Planned()
                }
                defer { group.cancelAll() }
                while try await group.next() != nil {}
            }
        } catch {
            #expect(error is Planned, "\(fault): \(error)")
        }
        #expect(isIn.value != nil, "\(fault)")
    }

    /// The ledger of a run.
    static func ledger(_ run: String) throws -> [FaultRecord] {
        let text = try String(contentsOfFile: run + "/network/faults.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(FaultRecord.self, from: Data($0.utf8)) }
    }
}
