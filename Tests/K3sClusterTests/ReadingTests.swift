import LabEvents
import Testing

@testable import K3sCluster

@Suite("What k3s and etcd answer", .tier(.unit))
struct ReadingTests {
    @Test("Members of etcd") func membersEtcd() throws {
        let members = try EtcdMember.list(Fixtures.bytes("etcd-members.json"))
        #expect(members.map(\.node) == ["server-1", "server-2", ""])
        #expect(members.map(\.isLearner) == [false, true, true])
        #expect(members[0].identifier == String(10_276_657_743_932_975_437 as UInt64, radix: 16))
        #expect(members[2].clientURLs.isEmpty)
        let problem = #expect(throws: Problem.self) { try EtcdMember.list(Array("{\"kind\":\"Status\"}".utf8)) }
        #expect(problem?.why?.contains("Status") ?? false)
    }

    @Test("A member's own view, from the gateway and from etcdctl") func memberViewFrom() throws {
        // api/etcdserverpb/rpc.proto:StatusResponse of etcd-io/etcd; the gateway writes 64-bit numbers as texts.
        let gateway =
            #"{"header":{"cluster_id":"14841639068965178418","member_id":"4242","raft_term":"7"},"leader":"77","raftIndex":"9","raftTerm":"7"}"#
        #expect(EtcdStatus(Array(gateway.utf8)) == EtcdStatus(member: "1092", leader: "4d", term: 7))
        let etcdctl =
            #"[{"Endpoint":"https://127.0.0.1:2379","Status":{"header":{"member_id":4242,"raft_term":7},"leader":0,"raftTerm":7,"isLearner":true}}]"#
        #expect(EtcdStatus(Array(etcdctl.utf8)) == EtcdStatus(member: "1092", leader: nil, term: 7, isLearner: true))
        #expect(EtcdStatus(Array("".utf8)) == nil)
    }

    @Test("What is wrong with etcd") func wrongEtcd() throws {
        var report = EtcdReport(members: try EtcdMember.list(Fixtures.bytes("etcd-members.json")))
        let problems = report.problems(expecting: ["server-1", "server-2", "server-3"])
        #expect(problems.count == 7, "\(problems)")
        #expect(problems.contains { $0.contains("never started") })
        #expect(problems.contains("server-2 is a learner and does not vote yet"))
        #expect(problems.contains("server-3 is no member"))
        report = EtcdReport(members: [member("server-1", "a"), member("server-2", "b")])
        report.statuses = ["a": .init(member: "a", leader: "a", term: 2), "b": .init(member: "b", leader: "a", term: 2)]
        #expect(report.problems(expecting: ["server-1", "server-2"]).isEmpty)
        #expect(report.text == "2 members: server-1 (leader), server-2; term 2")
        report.statuses["b"]?.term = 3
        #expect(report.problems(expecting: ["server-1", "server-2"]) == ["they are in different terms"])
        report.statuses["b"]?.leader = nil
        #expect(report.problems(expecting: ["server-1", "server-2"]) == ["they agree on no leader"])
    }

    @Test("Metrics tell what the gateway does not") func metricsTellGateway() throws {
        var report = EtcdReport(members: [member("server-1", "a"), member("server-2", "b")])
        let leader = try #require(EtcdMetrics("etcd_server_has_leader 1\netcd_server_is_leader 1\n"))
        let follower = try #require(EtcdMetrics("etcd_server_has_leader 1\netcd_server_is_leader 0\n"))
        report.complete(with: ["a": follower, "b": leader])
        #expect(report.problems(expecting: ["server-1", "server-2"]).isEmpty)
        #expect(report.text == "2 members: server-1, server-2 (leader)")
        let alone = try #require(EtcdMetrics("etcd_server_has_leader 0\n"))
        report.statuses = [:]
        report.complete(with: ["a": alone, "b": alone])
        #expect(report.problems(expecting: ["server-1", "server-2"]) == ["they agree on no leader"])
    }

    @Test("Who holds a lease") func leaseHolder() throws {
        let json = #"{"kind":"Lease","spec":{"holderIdentity":"server-1_0f5c","renewTime":"2026-01-02T03:04:05.000006Z"}}"#
        let held = try ClusterLease(Array(json.utf8))
        #expect(held.host == "server-1" && held.renewed == "2026-01-02T03:04:05.000006Z")
        #expect(try ClusterLease(Array(#"{"kind":"Lease","spec":{}}"#.utf8)).host == nil)
        let problem = #expect(throws: Problem.self) { try ClusterLease(Array(#"{"kind":"Status"}"#.utf8)) }
        #expect(problem?.why?.contains("Status") ?? false)
    }

    private func member(_ node: String, _ identifier: String) -> EtcdMember {
        EtcdMember(identifier: identifier, name: node + "-0123abcd", clientURLs: ["https://x:2379"])
    }

    @Test("A member's node is its name without k3s's part") func memberNodeName() {
        #expect(member("edge-01", "a").node == "edge-01")
        #expect(EtcdMember(identifier: "a", name: "default").node == "default")
        #expect(EtcdMember(identifier: "a", name: "a-b").node == "a-b")
    }

    @Test("Metrics of etcd") func metricsEtcd() {
        let text = """
            # TYPE etcd_server_has_leader gauge
            etcd_server_has_leader 1
            etcd_server_is_leader 0
            etcd_server_is_learner 1
            etcd_server_leader_changes_seen_total 3
            """
        let metrics = EtcdMetrics(text)
        #expect(metrics?.hasLeader == true && metrics?.isLeader == false && metrics?.isLearner == true && metrics?.leaderChanges == 3)
        #expect(EtcdMetrics("curl: (7) refused") == nil)
    }

    @Test("Nodes") func nodes() throws {
        let nodes = try ClusterNode.list(Fixtures.bytes("nodes.json"))
        #expect(
            nodes.map(\.text) == [
                "server-1 Ready control-plane,etcd 192.168.200.1", "server-2 NotReady (KubeletNotReady) control-plane,etcd 192.168.200.2",
                "agent-1 NotReady <none> ",
            ])
        #expect(nodes.map(\.isVoter) == [true, false, nil])
        #expect(nodes[0].version == "v1.34.8+k3s1")
    }

    @Test("Pods") func pods() throws {
        let json =
            #"{"items":[{"metadata":{"namespace":"kube-system","name":"coredns-1","labels":{"k8s-app":"kube-dns"}},"spec":{"nodeName":"server-1"},"status":{"phase":"Running"}}]}"#
        let pod = try #require(try ClusterPod.list(Array(json.utf8)).first)
        #expect(pod.phase == "Running" && pod.node == "server-1" && pod.labels["k8s-app"] == "kube-dns")
        #expect(throws: Problem.self) { try ClusterPod.list(Array("no".utf8)) }
    }

    /// staging/src/k8s.io/apiserver/pkg/server/healthz/healthz.go:handleRootHealth of kubernetes/kubernetes.
    @Test("Health") func health() {
        let good = HealthReport("[+]ping ok\n[+]etcd ok\nreadyz check passed\n")
        #expect(good?.isHealthy == true && good?.text == "2 checks passed")
        let bad = HealthReport("[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n")
        #expect(bad?.isHealthy == false && bad?.text == "failed: etcd")
        #expect(HealthReport(#"{"kind":"Status","message":"starting","code":503}"#) == nil)
    }

    @Test("Which k3s") func k3s() {
        let real = K3sVersion("k3s version v1.34.8+k3s1 (1e5466b1)\ngo version go1.24.11\n")
        #expect(real?.isStandIn == false && "\(real?.description ?? "")" == "k3s v1.34.8+k3s1")
        let other = K3sVersion("k3s version v1.34.8+standin (0)\n")
        #expect(other?.isStandIn == true && other?.description == "the stand-in v1.34.8+standin")
        #expect(K3sVersion("bash: k3s: not found") == nil)
    }

    private struct Lines: Decodable {
        struct Line: Decodable {
            var line: String
            var source: String
            var cause: String
            var final: Bool
        }
        var lines: [Line]
    }

    @Test("Why it does not come up") func whyDoesNot() throws {
        let lines: Lines = try Fixtures.yaml("failure-lines.yaml")
        for example in lines.lines {
            let found = K3sFailure.find(in: ["level=info msg=before", example.line, "level=info msg=after"])
            if example.cause == "none" {
                #expect(found == nil, "\(example.line)")
            } else {
                #expect(found?.line == example.line && found?.failure.isFinal == example.final, "\(example.line)")
                #expect(found?.failure.cause.contains(example.cause) ?? false, "\(example.line)")
            }
        }
        // What ends a wait comes before what does not.
        let both = K3sFailure.find(in: ["failed to get CA certs", "not authorized"])
        #expect(both?.failure.isFinal == true)
    }

    @Test("A unit that cannot come ends the wait") func unitCannotCome() {
        func report(_ text: String, _ lines: [String] = []) -> UnitReport { UnitReport(state: UnitState(text), lines: lines) }
        let starting = "ActiveState=activating\nSubState=start\nResult=success\nNRestarts=0\nExecMainStatus=0\nJob=42\n"
        #expect(report(starting).end == nil)
        #expect(report(starting, ["x failed to get CA certs: y"]).end == nil)
        #expect(report(starting, ["panic: bootstrap data already found and encrypted with different token"]).end?.contains("FM-2") ?? false)
        #expect(
            report("ActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainStatus=1\nNRestarts=2\nJob=\n").end?.contains("status 1")
                ?? false)
        #expect(report("ActiveState=activating\nSubState=auto-restart\nNRestarts=2\nExecMainStatus=1\nJob=\n").end == nil)
        #expect(
            report("ActiveState=activating\nSubState=auto-restart\nNRestarts=5\nExecMainStatus=1\nJob=\n").end?.contains("5 restarts")
                ?? false)
        #expect(report("ActiveState=active\nSubState=running\nNRestarts=0\nJob=\n").state.isActive)
    }

    @Test("Snapshots") func snapshots() {
        var page = [UInt8](repeating: 0, count: 8192 + 32)
        #expect(LabCluster.reason(against: page)?.contains("mark") ?? false)
        page.replaceSubrange(16..<20, with: [0xED, 0xDA, 0x0C, 0xED])
        #expect(LabCluster.reason(against: page) == nil)
        #expect(LabCluster.reason(against: Array(page.dropLast()))?.contains("checksum") ?? false)
        #expect(LabCluster.reason(against: []) != nil)
    }
}
