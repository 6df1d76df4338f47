import Foundation
import LabEvents
import Testing

@testable import VMLab

/// What a word on a command line may reach.
@Suite("Runs by name", .tier(.unit))
struct RunSearchTests {
    @Test("`latest` and parts of an id mean runs of one's own state folder; a whole id reaches any that lives")
    func otherFolders() throws {
        let base = "/tmp/vmlab-find-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: base) }
        let environment = ["XDG_RUNTIME_DIR": base]
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        func make(_ state: String, _ second: TimeInterval) throws -> (run: RunDirectory, lock: RunLock) {
            try RunDirectory.make(state: "\(base)/\(state)", environment: environment, now: Date(timeIntervalSince1970: second))
        }
        func find(_ word: String, _ state: String) throws(Problem) -> RunDirectory {
            try RunDirectory.find(word, state: "\(base)/\(state)", environment: environment)
        }
        let first = try make("mine", 1_000_000_000)
        let second = try make("mine", 1_000_000_100)
        let other = try make("theirs", 1_000_000_200)
        #expect(RunDirectory.all(state: base + "/mine", environment: environment) == [first.run, second.run, other.run])
        #expect(try find("latest", "mine") == second.run)
        #expect(try find("latest", "theirs") == other.run)
        #expect(try find(String(first.run.identifier.suffix(6)), "mine") == first.run)
        #expect(try find(other.run.identifier, "mine") == other.run)
        let part = #expect(throws: Problem.self) { try find(String(other.run.identifier.suffix(6)), "mine") }
        #expect(part?.why?.contains(other.run.identifier) == true)
        let none = #expect(throws: Problem.self) { try find("latest", "nobody") }
        #expect(none?.what == "there are no runs")
        #expect(none?.why?.contains(other.run.identifier) == true)
        let both = #expect(throws: Problem.self) { try find(String(first.run.identifier.prefix(8)), "mine") }
        #expect(both?.what.hasSuffix("is the beginning of 2 runs") == true)
    }
}
