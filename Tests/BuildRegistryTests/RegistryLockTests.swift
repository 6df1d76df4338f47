import LabEvents
import Testing

@testable import BuildRegistry

@Suite(.tier(.unit))
struct RegistryLockTests {
    static let one = String(repeating: "1", count: 64)
    static let two = String(repeating: "2", count: 64)

    @Test func `a lock reads what it wrote, in one order`() throws {
        let text = "b@node=2 wic \(Self.one) 20\n# a comment\n\na@node=1 wic \(Self.two) 10\nb@node=2 kernel \(Self.two) 5\n"
        let lock = try RegistryLock(text: text, file: "l")
        #expect(lock.entries.map { "\($0.variant) \($0.name)" } == ["a@node=1 wic", "b@node=2 kernel", "b@node=2 wic"])
        #expect(try RegistryLock(text: lock.text, file: "l") == lock)
        #expect(lock.text.hasSuffix("\na@node=1 wic \(Self.two) 10\nb@node=2 kernel \(Self.two) 5\nb@node=2 wic \(Self.one) 20\n"))
    }

    @Test(arguments: [
        ("a wic 1", 1), ("# x\na wic \(one) many", 2), ("a wic short 10", 1), ("<<<<<<< HEAD\na wic \(one) 1", 1), ("a  wic \(one) 1", 1),
    ])
    func `a line that is wrong is named`(text: String, line: Int) {
        let problem = #expect(throws: Problem.self) { try RegistryLock(text: text, file: "l") }
        #expect(problem?.location == "l:\(line)")
    }

    @Test func `a file twice is refused`() {
        let problem = #expect(throws: Problem.self) { try RegistryLock(text: "a wic \(Self.one) 1\na wic \(Self.two) 1", file: "l") }
        #expect(problem?.why == "a has 'wic' twice")
    }

    @Test func `differences are what was added, removed and changed`() throws {
        let before = try RegistryLock(text: "a wic \(Self.one) 1\nb wic \(Self.one) 1\nc wic \(Self.one) 1", file: "l")
        let after = try RegistryLock(text: "b wic \(Self.two) 1\nc wic \(Self.one) 1\nd wic \(Self.one) 1", file: "l")
        let differences = before.differences(to: after)
        #expect(differences.map(\.variant) == ["a", "b", "d"])
        #expect(differences.map { $0.before != nil } == [true, true, false])
        #expect(differences.map { $0.after != nil } == [false, true, true])
        #expect(before.differences(to: before) == [])
    }
}
