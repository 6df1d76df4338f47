public import BuildRegistry
public import LabEvents
public import NetworkProfiles

/// Which nodes a lab has and what joins them: what a scenario asks for, before the host has been looked at.
public struct Topology: Codable, Sendable, Equatable {
    /// The nodes; the first is the first to get a virtual processor that is left over.
    public var nodes: [NodeRequest]
    /// What joins them; nil for nodes that have nothing but `eth0`.
    public var network: NetworkPlan?
    /// The k3s binary that the guests of a cluster run instead of their image's.
    public var k3s: PlannedFile?

    /// A topology from its parts.
    public init(nodes: [NodeRequest], network: NetworkPlan? = nil) { (self.nodes, self.network) = (nodes, network) }

    /// The nodes of a network. Its service nodes are what the network says.
    ///
    /// - Parameter node: what a node of the cluster is to be.
    public init(_ network: NetworkPlan, node: (NodeNetwork) -> NodeRequest) {
        self.init(
            nodes: network.nodes.map { member in
                guard let service = member.service else { return node(member) }
                return NodeRequest(name: member.name, image: service.image, memoryMiB: service.memoryMiB, vcpus: service.vcpus)
            }, network: network)
    }

    /// One guest, as it is asked for. Every node has `eth0`, a restricted user-mode network (``QEMU/NetworkInterface``); the others are its network's.
    public struct NodeRequest: Codable, Sendable, Equatable {
        /// Host name, file name and name in messages: 1 to 32 letters, digits and `-`, the latter not first or last.
        public var name: String
        /// What it boots: the name of an image description, or the path of a disk image.
        public var image: String
        /// Memory in MiB, at least ``Topology/leastMemoryMiB``; nil for the image's own wish.
        public var memoryMiB: Int?
        /// Virtual processors, 1 to 255; nil for the image's own wish. The plan may grant fewer.
        public var vcpus: Int?
        /// How it boots; nil for the image's quickest way.
        public var bootMode: BootMode?

        /// A node; what has a default here comes from the image.
        public init(name: String, image: String, memoryMiB: Int? = nil, vcpus: Int? = nil, bootMode: BootMode? = nil) {
            self.name = name
            self.image = image
            self.memoryMiB = memoryMiB
            self.vcpus = vcpus
            self.bootMode = bootMode
        }
    }
}

extension Scenario.Wishes {
    /// Nodes on a network.
    ///
    /// - Parameters:
    ///   - scenario: the scenario's name; hardware addresses come from it.
    ///   - count: how many nodes of the cluster: the first ones of the profile.
    ///   - profile: the network.
    ///   - cables: why every network card is to have a cable; nil for only those that the profile impairs, unless `--cables` says otherwise.
    ///   - image: what a node boots, unless `--image` says otherwise.
    /// - Throws: a ``Problem`` of kind `invalidInput` for a profile that has fewer nodes.
    public func topology(
        scenario: String, count: Int, on profile: NetworkProfile, cables: String? = nil, image: (NodeNetwork) -> String = { _ in "mini" }
    ) throws(Problem) -> Topology {
        let names = try profile.firstNames(count)
        return try topology(scenario: scenario, nodes: names, on: profile, cables: cables, image: image)
    }

    /// The same for named nodes of the profile; see ``topology(scenario:count:on:cables:image:)``.
    public func topology(
        scenario: String, nodes: [String], on profile: NetworkProfile, cables: String? = nil,
        image: (NodeNetwork) -> String = { _ in "mini" }
    ) throws(Problem) -> Topology {
        var network = try profile.plan(lab: scenario, nodes: nodes)
        if let reason = cables ?? (self.cables == true ? "--cables" : nil) { network.cableAll(because: reason) }
        return Topology(network) { node in
            Topology.NodeRequest(name: node.name, image: self.image ?? image(node), memoryMiB: memoryMiB, vcpus: vcpus)
        }
    }

    /// The profile that was asked for; nil when none was.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` for a profile that is not there or has mistakes.
    public func network() throws(Problem) -> NetworkProfile? {
        guard let profile else { return nil }
        let catalog = try ProfileCatalog.standard()
        do throws(ProfileError) {
            return try catalog.profile(profile)
        } catch {
            throw error.problem
        }
    }
}

extension NetworkProfile {
    /// The names of the first nodes of a profile.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` for a profile that has fewer.
    package func firstNames(_ count: Int) throws(Problem) -> [String] {
        guard count <= nodeNames.count else {
            throw Problem(
                .invalidInput, "the profile \(name) has too few nodes", location: source.file,
                why: "\(count) are wanted, and it has \(nodeNames.joined(separator: ", "))",
                remedy: "widen `hosts` of a role, or ask for fewer with --nodes")
        }
        return Array(nodeNames.prefix(count))
    }
}
