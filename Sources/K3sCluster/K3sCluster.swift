public import VMLab

/// How a cluster of k3s is to be formed. ``phases`` do it; ``on(_:)`` gives what can be asked of it on a lab.
public struct K3sCluster: Sendable {
    /// In which order nodes join the first server.
    public enum JoinOrder: String, Sendable, CaseIterable {
        /// One node after the other: servers, then agents.
        case sequential
        /// The servers one after the other, since etcd takes one learner at a time, and beside them all agents at once.
        case overlapped
        /// All at once; k3s makes servers wait for each other.
        case parallel
    }

    /// Where the token comes from.
    public enum TokenSource: Sendable {
        /// A new random one.
        case generated
        /// The first server makes its own, and the others get what it wrote.
        case primary
        /// This one.
        case given(K3sToken)
    }

    /// How patient etcd's members are.
    public enum Patience: Sendable {
        /// As k3s has it.
        case usual
        /// As k3s has it, times the pace that the host had when the lab was planned.
        case byPace
        /// This.
        case fixed(EtcdTimes)
    }

    /// How the images run k3s; nil to ask each guest.
    public var dialect: K3sDialect?
    /// The order of joins.
    public var join = JoinOrder.overlapped
    /// Where the token comes from.
    public var token = TokenSource.generated
    /// How patient etcd's members are.
    public var patience = Patience.byPace
    /// Packaged components that are not deployed.
    public var disabled = ["traefik", "servicelb"]
    /// The networks inside the cluster.
    public var networks = K3sFlags.Networks()
    /// The network of the profile on which the nodes form the cluster.
    public var network = "cluster"
    /// More options of servers.
    public var serverOptions: [String] = []
    /// More options of agents.
    public var agentOptions: [String] = []
    /// Whether what an earlier start left is removed first. Without it a unit that the image started keeps its database.
    public var takesControl = true
    /// Whether a joining node's way to the API is made sure of by ARP and TCP first.
    public var checksReachability = true

    /// A cluster as vmlab forms it usually; change what is to be otherwise.
    public init() {}

    /// The same with a change.
    public func with(_ change: (inout K3sCluster) -> Void) -> K3sCluster {
        var copy = self
        change(&copy)
        return copy
    }

    /// The cluster on a lab. It keeps nothing: everything is asked of the guests when it is needed, so that phases work on a lab that was kept.
    public func on(_ lab: Lab) -> LabCluster { LabCluster(lab: lab, cluster: self) }
}

extension Budget {
    /// Until k3s that a boot started is stopped.
    public static let k3sStop = Budget("k3s-stop", .seconds(120))
    /// From the start of the first server until its port answers.
    public static let k3sPort = Budget("k3s-port", .seconds(120))
    /// Until the API of the first server is ready.
    public static let k3sAPI = Budget("k3s-api", .seconds(300))
    /// Until a node is Ready.
    public static let k3sReady = Budget("k3s-ready", .seconds(240))
    /// From the start of a joining node until it is Ready.
    public static let k3sJoin = Budget("k3s-join", .seconds(300))
    /// Until etcd has the members that it should have, all voting, and one leader.
    public static let etcdMembers = Budget("etcd-members", .seconds(60))
    /// Until the Node objects say what the nodes are.
    public static let clusterNodes = Budget("cluster-nodes", .seconds(60))
    /// Until the system pods run.
    public static let systemPods = Budget("system-pods", .seconds(120))
    /// From the loss of a node until its Node object says so: 50 s of grace, and longer when the server that looks after nodes was lost with it.
    public static let nodeLoss = Budget("node-loss", .seconds(180))
    /// From the loss of the quorum until a server that is left shows it.
    public static let quorumLoss = Budget("quorum-loss", .seconds(120))
    /// From the end of what was broken until the cluster is as planned again.
    public static let clusterRecovery = Budget("cluster-recovery", .seconds(300))
    /// How long a join that must not come is given to come.
    public static let noJoin = Budget("no-join", .seconds(60))
}
