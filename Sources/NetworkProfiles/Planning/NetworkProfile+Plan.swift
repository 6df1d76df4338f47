public import LabEvents

extension NetworkProfile {
    /// What one lab's network is to be. Pure: the same arguments give the same plan.
    ///
    /// Port numbers that the profile gives are kept; the others are the lowest free ones in the order of services, nodes and their network cards,
    /// then the trunks' ends.
    ///
    /// - Parameters:
    ///   - lab: the scenario's name; hardware addresses are derived from it, so that every run has the same.
    ///   - nodes: the names of the nodes that there are to be, in their order; nil for all. Services are always there, and come first.
    /// - Throws: a ``Problem`` of kind `invalidInput`: the first of ``problems()``, or a name that the profile does not have or that is there twice.
    public func plan(lab: String, nodes names: [String]? = nil) throws(Problem) -> NetworkPlan {
        var check = ProfileCheck(self)
        let problems = check.all()
        guard problems.isEmpty else { throw ProfileError(problems: problems).problem }
        var chosen = check.members.nodes
        if let names { chosen = try check.members.chosen(names, profile: name) }
        var assembly = PlanAssembly(self, lab: lab)
        return assembly.plan(check.members, chosen)
    }

    /// Everything that is wrong with the profile's meaning, in the order of its file's lines; empty for a good one.
    public func problems() -> [Problem] {
        var check = ProfileCheck(self)
        return check.all()
    }
}

extension ProfileMembers {
    /// The services and the named nodes.
    func chosen(_ names: [String], profile: String) throws(Problem) -> [Member] {
        let known = Dictionary(nodes.filter { $0.service == nil }.map { ($0.name, $0) }) { first, _ in first }
        let all = nodes.filter { $0.service == nil }.map(\.name)
        var members = nodes.filter { $0.service != nil }
        let services = Set(members.map(\.name))
        var seen: Set<String> = []
        func refusal(_ what: String, _ why: String, _ remedy: String) -> Problem {
            Problem(.invalidInput, what, location: "network profile \(profile)", why: why, remedy: remedy)
        }
        guard !names.isEmpty else {
            throw refusal("no node is chosen", "the profile has \(NearName.list(all))", "name at least one of them")
        }
        let strangers = names.filter { known[$0] == nil && !services.contains($0) }
        guard strangers.isEmpty else {
            throw refusal(
                "the network profile \(profile) has no \(strangers.count == 1 ? "node" : "nodes") \(NearName.list(strangers.map { "'\($0)'" }))",
                "its \(all.count) \(all.count == 1 ? "node is" : "nodes are") \(NearName.list(all))",
                strangers.count == 1
                    ? NearName.of(strangers[0], in: all).map { "did you mean '\($0)'?" } ?? "use these names, or a profile with more nodes"
                    : "use these names, or a profile with more nodes")
        }
        for name in names {
            guard let member = known[name] else {
                throw refusal("'\(name)' is a service of the network profile \(profile)", "services are always there", "leave it out")
            }
            guard seen.insert(name).inserted else {
                throw refusal("the node '\(name)' is chosen twice", "each node is one machine", "name it once")
            }
            members.append(member)
        }
        return members
    }
}
