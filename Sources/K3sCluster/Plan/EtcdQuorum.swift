public import LabEvents

/// How many members an etcd cluster needs, and what happens when some are lost.
public struct EtcdQuorum: Sendable, Equatable {
    /// The voting members by their nodes' names; learners do not count.
    public var voters: [String]

    /// The quorum of a cluster.
    public init(voters: [String]) { self.voters = voters }

    /// The quorum of the members that vote.
    public init(_ members: [EtcdMember]) { self.init(voters: members.filter { !$0.isLearner }.map(\.node)) }

    /// How many members must agree: more than half.
    public var needed: Int { voters.count / 2 + 1 }
    /// How many members may be lost while the others go on.
    public var tolerated: Int { voters.count - needed }

    /// Whether the others still agree when some nodes are lost. Names that are no voter's do not count.
    public func holds(without lost: some Sequence<String>) -> Bool {
        voters.count - Set(lost).intersection(voters).count >= needed
    }

    /// Checks what somebody is about to do.
    ///
    /// - Parameters:
    ///   - lost: the nodes that will be lost.
    ///   - gone: the nodes that are lost already.
    ///   - isMeant: whether the loss of the quorum is what is to be shown.
    /// - Throws: a ``Problem`` of kind `invalidInput` when the quorum would be lost and nobody said so, and when somebody said so and it would hold.
    public func check(losing lost: [String], besides gone: [String] = [], isMeant: Bool) throws(Problem) {
        let holds = holds(without: lost + gone)
        guard holds == isMeant else { return }
        let names = lost.joined(separator: ", ")
        let left = voters.count - Set(lost + gone).intersection(voters).count
        let before = Set(gone).subtracting(lost).sorted()
        let why =
            "\(left) of \(voters.count) voting members would be left, and \(needed) are needed"
            + (before.isEmpty ? "" : "; \(before.joined(separator: ", ")) \(before.count == 1 ? "takes" : "take") no part already")
        if isMeant {
            throw Problem(
                .invalidInput, "the quorum would hold without \(names), and its loss is what was to be shown", why: why,
                remedy: "lose more servers, or take `removingQuorum` away")
        }
        throw Problem(
            .invalidInput, "the quorum would be lost without \(names)", why: why,
            remedy: "lose fewer servers, or say `removingQuorum: true` where that is what the phase shows")
    }

    /// `3 voters, 2 needed, 1 may be lost`.
    public var text: String {
        "\(voters.count) voter\(voters.count == 1 ? "" : "s"), \(needed) needed, \(tolerated) may be lost"
    }
}
