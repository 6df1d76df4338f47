public import LabEvents

extension NetworkProfile {
    /// The same with at least so many nodes of some roles. Where all have enough nothing changes; else these roles get new host numbers, one role behind the other
    /// from the first one's first on.
    ///
    /// - Parameter counts: roles in their order, and how many nodes of each are needed.
    /// - Throws: a ``Problem`` of kind `invalidInput` for a role that the profile does not have.
    public func widened(_ counts: [(role: String, count: Int)]) throws(Problem) -> NetworkProfile {
        let needed = counts.filter { $0.count > 0 }
        for (name, count) in needed where !roles.contains(where: { $0.name == name }) {
            throw Problem(
                .invalidInput, "the profile \(self.name) has no role '\(name)'", location: source.file,
                why: "\(count) such nodes are wanted; its roles are \(roles.map(\.name).joined(separator: ", "))")
        }
        guard needed.contains(where: { wanted in roles.contains { $0.name == wanted.role && $0.hosts.count < wanted.count } }) else {
            return self
        }
        var wide = self
        var next: Int?
        for index in wide.roles.indices {
            guard let wanted = counts.first(where: { $0.role == wide.roles[index].name }) else { continue }
            let role = wide.roles[index]
            let count = max(role.hosts.count, wanted.count)
            let first = next ?? role.hosts.lowerBound
            wide.roles[index].hosts = first...(first + count - 1)
            if role.names != nil { wide.roles[index].names = (0..<count).map { role.name(at: $0) } }
            next = first + count
        }
        return wide
    }

    /// The names of the first nodes of roles, in the roles' order.
    public func nodeNames(_ counts: [(role: String, count: Int)]) -> [String] {
        roles.flatMap { role in
            (0..<(counts.first { $0.role == role.name }?.count ?? 0)).map { role.name(at: $0) }
        }
    }
}
