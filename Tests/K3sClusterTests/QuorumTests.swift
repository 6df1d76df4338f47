import LabEvents
import Testing

@testable import K3sCluster

@Suite("Quorum", .tier(.unit))
struct QuorumTests {
    @Test("More than half must agree", arguments: [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2)]) func moreThanHalf(
        _ count: Int, _ needed: Int, _ tolerated: Int
    ) {
        let quorum = EtcdQuorum(voters: (1...count).map { "server-\($0)" })
        #expect(quorum.needed == needed && quorum.tolerated == tolerated)
        #expect(quorum.holds(without: (1...count).prefix(tolerated).map { "server-\($0)" }))
        #expect(!quorum.holds(without: (1...count).prefix(tolerated + 1).map { "server-\($0)" }))
    }

    @Test("Learners do not count, and neither do agents") func learnersNotCount() {
        let quorum = EtcdQuorum([
            EtcdMember(identifier: "1", name: "server-1-00000000"), EtcdMember(identifier: "2", name: "server-2-00000000", isLearner: true),
        ])
        #expect(quorum.voters == ["server-1"])
        #expect(quorum.holds(without: ["agent-1", "server-2"]))
    }

    @Test("Who removes the quorum must say so, and must do so") func whoRemovesQuorum() throws {
        let quorum = EtcdQuorum(voters: ["server-1", "server-2", "server-3"])
        try quorum.check(losing: ["server-1"], isMeant: false)
        try quorum.check(losing: ["server-1", "server-2"], isMeant: true)
        let refusal = #expect(throws: Problem.self) { try quorum.check(losing: ["server-1", "server-2"], isMeant: false) }
        #expect(refusal?.kind == .invalidInput && refusal?.why == "1 of 3 voting members would be left, and 2 are needed")
        #expect(throws: Problem.self) { try quorum.check(losing: ["server-1", "agent-1"], isMeant: true) }
    }
}
