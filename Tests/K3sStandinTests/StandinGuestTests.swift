import Foundation
import GuestShell
import Testing
import VMLab

/// The stand-in as it is in its image, over real etcd and with the real kubectl. One boot for each test.
@Suite("The stand-in for k3s in a guest", .tier(.guest), .serialized, .timeLimit(.minutes(20)))
struct StandinGuestTests {
    /// What a step prints, and parts that must be in it.
    struct Step: Sendable {
        var intent: String
        var script: String
        var says: [String]
        var saysNot: [String] = []
    }

    @Test("Servers join one after another, wrong tokens are refused, kubectl is served, and a lost quorum ends the leader")
    func cluster() async throws {
        try await perform([
            Step(
                intent: "a first server is up and keeps its secrets to itself",
                script: """
                    systemctl stop k3s-server
                    start 1 --cluster-init; until_said 120 'k3s is up and running' said 1
                    stat -c '%a %N' $work/n1/data/k3s/server/token $work/n1/data/k3s/server/node-token $work/n1/etc/k3s/k3s.yaml
                    cut -c 1-3 $work/n1/data/k3s/server/token; tr '\\0' ' ' </proc/$(ids 1)/cmdline; echo; grep -c first-secret $work/n1/log
                    """,
                says: ["600 '", "node-token' -> ", "K10", "k3s server", "\n0\n"], saysNot: ["not said", "first-secret"]),
            Step(
                intent: "a server with a wrong password, one with a wrong hash: one try, status 1",
                script: """
                    once 2 k3s server --node-ip 192.168.77.2 --server $url --token wrong
                    once 2 k3s server --node-ip 192.168.77.2 --server $url --token K10$(printf 'a%.0s' $(seq 64))::server:first-secret
                    """,
                says: [
                    "Error: preparing server: failed to bootstrap cluster data: not authorized\"\nstatus 1",
                    "failed to validate token: token CA hash does not match the Cluster CA certificate hash: aaaa",
                ]),
            Step(
                intent: "an agent with a wrong password never gives up",
                script:
                    "on 3 timeout 15 k3s agent --node-ip 192.168.77.3 --server $url --token wrong 2>&1 | tail -n 1; echo ${PIPESTATUS[0]}",
                says: ["server is not ready: failed to retrieve configuration from server: not authorized", "124"]),
            Step(
                intent: "two servers that join at once become voters one after the other",
                script: """
                    token=$(cat $work/n1/data/k3s/server/token)
                    start 2 --server $url; start 3 --server $url
                    until_said 200 'k3s is up and running' said 2; until_said 200 'k3s is up and running' said 3
                    grep -hc 'too many learner' $work/n2/log $work/n3/log; grep -c 'Promoted learner n[23]-' $work/n1/log
                    until_said 60 'n3 *Ready' kubectl get nodes; kubectl get nodes -o wide
                    """,
                says: ["\n2\n", "control-plane,etcd", "192.168.77.3", "v1.34.8+standin"], saysNot: ["not said"]),
            Step(
                intent: "kubectl is served; who has no certificate is not",
                script: """
                    kubectl get --raw /readyz; echo; kubectl get --raw '/readyz?verbose' | tail -n 1
                    until_said 60 'coredns.*Running' kubectl get pods -A; kubectl get pods -A
                    on 2 curl -sk https://192.168.77.1:6443/readyz; on 2 curl -sk https://192.168.77.1:6443/ping
                    on 1 k3s etcd-snapshot save 2>&1 | tail -n 1; k3s --version | head -n 1
                    """,
                says: [
                    "ok\nreadyz check passed", "local-path-provisioner", "metrics-server", #""message":"Unauthorized""#, "pong",
                    " saved.", "k3s version v1.34.8+standin (",
                ]),
            Step(
                intent: "a name that is taken is refused, for servers and for agents",
                script: """
                    kubectl delete node n3; end 3; forget 3
                    once 3 k3s server --node-ip 192.168.77.3 --node-name n2 --server $url --token $token
                    forget 3; on 3 timeout 15 k3s agent --node-ip 192.168.77.3 --node-name n2 --server $url --token $token 2>&1 | tail -n 1
                    """,
                says: [
                    #"deleted"#, "status 0", "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password'",
                ]),
            Step(
                intent: "without its peer the holder of the leases ends with status 1; with it both are up again",
                script: """
                    end 2 KILL; until_said 60 '^[0-9]' cat $work/n1/status; cat $work/n1/status; tail -n 1 $work/n1/log
                    start 1 --cluster-init; until_said 60 'BEGIN CERTIFICATE' on 1 curl -sk https://127.0.0.1:6443/cacerts
                    on 1 curl -sk https://127.0.0.1:6443/readyz
                    start 2 --server $url; until_said 120 'k3s is up and running' said 1; until_said 120 'n2 *Ready' kubectl get nodes
                    end 1; end 2
                    """,
                says: ["1\n", "leaderelection lost", "apiserver not ready"], saysNot: ["not said"]),
        ])
    }

    @Test("Data that a server left under another token: text and status by generation, in the unit too")
    func staleData() async throws {
        let different = "bootstrap data already found and encrypted with different token"
        try await perform([
            Step(
                intent: "the unit that starts at boot is ready and has made its data",
                script: "until_said 200 '^active' systemctl is-active k3s-server; ls -d /var/lib/rancher/k3s/server/db/etcd/member/wal",
                says: ["member/wal"], saysNot: ["not said"]),
            Step(
                intent: "another token, nothing taken over: the unit fails and says why",
                script: """
                    systemctl stop k3s-server; sed -i 's/^K3S_TOKEN=.*/K3S_TOKEN=second/' /etc/default/k3s-server
                    timeout 60 systemctl start --no-block k3s-server; until_said 90 'different token' journalctl -u k3s-server -n 40 -o cat
                    systemctl show k3s-server -p ExecMainStatus; systemctl stop k3s-server
                    """,
                says: ["ExecMainStatus=1"], saysNot: ["not said"]),
            Step(
                intent: "taken over: db, tls, token and cred removed, and it starts",
                script: """
                    cd /var/lib/rancher/k3s/server; rm -rf db tls token cred; cd /
                    systemctl start --no-block k3s-server; until_said 200 '^active' systemctl is-active k3s-server; systemctl stop k3s-server
                    """,
                says: [], saysNot: ["not said"]),
            Step(
                intent: "by generation, with the certificates kept and without",
                script: """
                    start 1 --cluster-init; until_said 120 'k3s is up and running' said 1; end 1
                    cp -a $work/n1/data $work/kept
                    for generation in G1 G2 G3; do for kept in all db; do
                        echo "== $generation $kept"; modes 1 "{\\"generation\\": \\"$generation\\"}"
                        rm -rf $work/n1/data/*; cp -a $work/kept/. $work/n1/data/
                        if [ $kept = db ]; then rm -rf $work/n1/data/k3s/server/tls $work/n1/data/k3s/server/cred; fi
                        status=0
                        on 1 timeout 100 k3s server --cluster-init --node-ip 192.168.77.1 --token second >$work/n1/log 2>&1 </dev/null || status=$?
                        grep -e 'different token' $work/n1/log | sed 's/^time="[^"]*" //'; echo "status $status"
                    done; done
                    """,
                says: [
                    "== G1 all\nlevel=fatal msg=\"Failed to reconcile with temporary etcd: \(different)\"\nstatus 1",
                    "== G1 db\npanic: \(different)\nstatus 2",
                    "== G2 db\nlevel=error msg=\"Shutdown request received: \\\"failed to save bootstrap data: \(different)\\\"\"\nstatus 0",
                    "== G3 db\nlevel=fatal msg=\"Error: preparing server: failed to bootstrap cluster data: failed to reconcile with local "
                        + "datastore: \(different)\"\nstatus 1",
                ]),
        ])
    }

    private func perform(_ steps: [Step]) async throws {
        let functions = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "nodes.sh"), encoding: .utf8)
        try await GuestFixture.boot("k3s-standin", processors: 2) { machine async throws in
            let shell = machine.shell
            _ = try await shell.write(Array(functions.utf8), to: "/root/nodes.sh")
            let made = try await shell.execute(". /root/nodes.sh; make_nodes", timeout: .seconds(60))
            try #require(made.outcome == .exited(0), "\(made.stderr.text)")
            for step in steps {
                let result = try await shell.execute(". /root/nodes.sh\n\(step.script)", timeout: .seconds(500))
                let text = result.stdout.text + result.stderr.text
                for part in step.says { #expect(text.contains(part), "\(step.intent): no '\(part)' in:\n\(text)") }
                for part in step.saysNot { #expect(!text.contains(part), "\(step.intent): '\(part)' in:\n\(text)") }
            }
        }
    }
}
