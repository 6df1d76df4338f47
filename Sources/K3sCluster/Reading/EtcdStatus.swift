import FoundationEssentials
import LabEvents

/// How a member of etcd sees its cluster.
public struct EtcdStatus: Sendable, Equatable, Codable {
    /// The member that was asked, in hexadecimal.
    public var member: String
    /// The leader, in hexadecimal; nil while there is none.
    public var leader: String?
    /// The term of the election; nil where the member does not tell.
    public var term: UInt64?
    /// Whether the member does not vote yet.
    public var isLearner: Bool

    /// A status from its parts.
    public init(member: String, leader: String?, term: UInt64?, isLearner: Bool = false) {
        (self.member, self.leader, self.term, self.isLearner) = (member, leader, term, isLearner)
    }

    /// The status from what `/v3/maintenance/status` or `etcdctl endpoint status -w json` answer; nil for anything else.
    public init?(_ json: [UInt8]) {
        let decoder = JSONDecoder()
        let data = Data(json)
        guard
            let answer = (try? decoder.decode(Answer.self, from: data))
                ?? (try? decoder.decode([Endpoint].self, from: data))?.first?.Status
        else { return nil }
        let leader = answer.leader?.value ?? 0
        self.init(
            member: String(answer.header.member_id.value, radix: 16), leader: leader == 0 ? nil : String(leader, radix: 16),
            term: answer.raftTerm?.value ?? answer.header.raft_term?.value, isLearner: answer.isLearner ?? false)
    }

    private struct Endpoint: Decodable { var Status: Answer }
    private struct Header: Decodable {
        var member_id: WholeNumber
        var raft_term: WholeNumber?
    }
    private struct Answer: Decodable {
        var header: Header
        var leader: WholeNumber?
        var raftTerm: WholeNumber?
        var isLearner: Bool?
    }
}

/// What etcd's plain metrics on port 2381 tell of one member, for guests where nothing else speaks to etcd.
public struct EtcdMetrics: Sendable, Equatable, Codable {
    /// Whether the member has a leader.
    public var hasLeader: Bool
    /// Whether it is the leader.
    public var isLeader: Bool
    /// Whether it does not vote yet.
    public var isLearner: Bool
    /// How often it has seen the leader change.
    public var leaderChanges: Int

    /// From the text of `/metrics`; nil for a text that has none of it.
    public init?(_ text: String) {
        var values: [Substring: Double] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("etcd_server_") {
            let words = line.split(separator: " ")
            if words.count == 2 { values[words[0]] = Double(words[1]) }
        }
        guard let hasLeader = values["etcd_server_has_leader"] else { return nil }
        self.hasLeader = hasLeader == 1
        isLeader = values["etcd_server_is_leader"] == 1
        isLearner = values["etcd_server_is_learner"] == 1
        leaderChanges = Int(values["etcd_server_leader_changes_seen_total"] ?? 0)
    }
}
