import LabEvents

/// Etcd as the first server and each member tell it.
public struct EtcdReport: Sendable, Equatable, Codable {
    /// The members.
    public var members: [EtcdMember]
    /// What each member that answered says, by its number.
    public var statuses: [String: EtcdStatus]

    /// A report from its parts.
    public init(members: [EtcdMember], statuses: [String: EtcdStatus] = [:]) { (self.members, self.statuses) = (members, statuses) }

    /// The leader that all members that answered agree on; nil while they do not.
    public var leader: EtcdMember? {
        let leaders = Set(statuses.values.map(\.leader))
        guard leaders.count == 1, let identifier = leaders.first ?? nil else { return nil }
        return members.first { $0.identifier == identifier }
    }

    /// The term that all members that answered agree on; nil while they do not, or do not tell.
    public var term: UInt64? {
        let terms = Set(statuses.values.map(\.term))
        return terms.count == 1 ? terms.first ?? nil : nil
    }

    /// The members that take no part: they do not answer, or have no leader while others have one.
    public var absent: [EtcdMember] {
        let isLed = statuses.values.contains { $0.leader != nil }
        return members.filter { member in
            guard let status = statuses[member.identifier] else { return true }
            return isLed && status.leader == nil
        }
    }

    /// What is otherwise among the members than it was: who came, who went, and whose number is another one. Empty when they are the same.
    public func changes(since before: EtcdReport) -> [String] {
        let (old, new) = (before.members.map { ($0.node, $0.identifier) }, members.map { ($0.node, $0.identifier) })
        return new.filter { one in !old.contains { $0 == one } }.map { "\($0.0) is a new member (\($0.1))" }
            + old.filter { one in !new.contains { $0 == one } }.map { "\($0.0) is no longer the member \($0.1)" }
    }

    /// The same as some of the members' nodes tell it.
    public func told(by nodes: [String]) -> EtcdReport {
        let identifiers = Set(members.filter { nodes.contains($0.node) }.map(\.identifier))
        return EtcdReport(members: members, statuses: statuses.filter { identifiers.contains($0.key) })
    }

    /// What is otherwise than it should be; empty when these nodes are the members, all vote, and agree on a leader.
    ///
    /// - Parameter lost: the nodes among them that cannot be heard now; that they do not answer is no problem, and that one of them leads is.
    public func problems(expecting nodes: [String], without lost: [String] = []) -> [String] {
        guard lost.isEmpty else {
            let left = nodes.filter { !lost.contains($0) }
            let heard = told(by: left)
            let silent = Set(lost.map { "\($0) does not answer" })
            let problems = heard.problems(expecting: nodes).filter { !silent.contains($0) }
            guard problems.isEmpty else { return problems }
            guard let leader = heard.leader else { return ["they agree on no leader"] }
            if lost.contains(leader.node) { return ["they still take \(leader.node) for their leader"] }
            return heard.term == nil && heard.statuses.values.contains { $0.term != nil } ? ["they are in different terms"] : []
        }
        let names = members.map(\.node)
        var problems = nodes.filter { !names.contains($0) }.map { "\($0) is no member" }
        problems += members.filter { !nodes.contains($0.node) }.map { member in
            "\(member.name.isEmpty ? "a member that never started (\(member.identifier))" : member.name) should be no member"
        }
        problems += members.filter(\.isLearner).map { "\($0.node) is a learner and does not vote yet" }
        problems += members.filter { statuses[$0.identifier] == nil }.map { "\($0.node) does not answer" }
        if problems.isEmpty, leader == nil { problems.append("they agree on no leader") }
        if problems.isEmpty, term == nil, statuses.values.contains(where: { $0.term != nil }) {
            problems.append("they are in different terms")
        }
        return problems
    }

    /// Adds what members tell in their metrics, which is no term and not who the leader is, but whether they have or are one.
    mutating func complete(with metrics: [String: EtcdMetrics]) {
        let leader = metrics.first { $0.value.isLeader }?.key ?? statuses.values.first?.leader
        for (member, own) in metrics where statuses[member] == nil {
            statuses[member] = EtcdStatus(member: member, leader: own.hasLeader ? leader : nil, term: nil, isLearner: own.isLearner)
        }
    }

    /// `2 members: server-1 (leader), server-2; term 2`.
    public var text: String {
        let leader = leader
        let names = members.sorted { $0.name < $1.name }.map { member in
            let notes = [member == leader ? "leader" : nil, member.isLearner ? "learner" : nil].compactMap(\.self)
            return member.node + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
        }
        return "\(members.count) member\(members.count == 1 ? "" : "s"): \(names.joined(separator: ", "))"
            + (term.map { "; term \($0)" } ?? "")
    }
}
