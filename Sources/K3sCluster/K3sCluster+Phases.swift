public import Phases
import VMLab

extension K3sCluster {
    /// The bring-up: which k3s, take control, prepare, the first server, the joins. The nodes must have booted and have their network.
    public var phases: [Phase] {
        [identify, takeControl, prepare, firstServer, joins]
    }

    /// Which k3s runs; with `--k3s` it is installed first.
    public var identify: Phase { Phase("k3s") { lab in try await on(lab).identify() } }

    /// What a boot started is stopped, and what it left is removed, on all nodes at once.
    public var takeControl: Phase {
        Phase.parallel("take control") { node, lab in
            guard takesControl else { throw Skip.byDesign("the cluster is formed over what is there") }
            return try await on(lab).takeControl(of: node)
        }
    }

    /// Gate, restarts and registries of all nodes at once.
    public var prepare: Phase { Phase.parallel("prepare") { node, lab in try await on(lab).prepare(node) } }

    /// The first server, stage by stage.
    public var firstServer: Phase {
        Phase("first server") {
            Phase("start") { lab in try await on(lab).startPrimary() }
            Phase("port") { lab in try await on(lab).waitForPort() }
            Phase("readyz") { lab in try await on(lab).waitForAPI() }
            Phase("etcd") { lab in try await on(lab).waitForFirstMember() }
            Phase("Ready") { lab in try await on(lab).waitForFirstNode() }
        }
    }

    /// The other servers and the agents.
    public var joins: Phase { Phase("join") { lab in try await on(lab).joinAll() } }

    /// What a scenario with a cluster begins with: boot, network, who reaches whom, ``phases`` and ``checks``.
    public var formation: [Phase] { [.boot, .network, .reachability] + phases + [checks] }

    /// What a scenario that broke something ends with: ``recovery``, ``logs``.
    public var aftermath: [Phase] { [recovery, logs] }

    /// At the end, whatever happened: every fault is healed and the cluster is as planned again, or why not.
    public var recovery: Phase { Phase("Ready again") { lab in try await on(lab).recover() }.always() }

    /// At the end, whatever happened: what k3s said on each node, as `nodes/NODE/k3s.log`.
    public var logs: Phase { Phase("logs") { lab in try await on(lab).keepLogs() }.optional().always() }

    /// What a cluster that was formed must show: all of it is on the disks; nodes, system pods, etcd, certificates, metrics, a snapshot, and the status as a file.
    public var checks: Phase {
        Phase("checks") {
            Phase("on disk") { lab in try await on(lab).settleDisks() }
            Phase("nodes") { lab in try await on(lab).checkNodes() }
            Phase("system pods") { lab in try await on(lab).checkSystemPods() }
            Phase("etcd members") { lab in try await on(lab).checkEtcd() }
            Phase("certificates") { lab in try await on(lab).checkCertificates() }
            Phase("metrics") { lab in try await on(lab).checkMetrics() }
            Phase("snapshot") { lab in try await on(lab).takeSnapshot() }
            Phase("status") { lab in try await on(lab).keepStatus() }
        }
    }
}
