import Foundation
import K3sCluster
import Testing

/// Clusters of k3s on real guests.
@Suite("Cluster formation", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct ClusterFormationTests {
    @Test(
        "Two servers and an agent form a cluster on bonds and VLANs; kubectl is served, the report says which k3s, and no secret is anywhere"
    )
    func bondingVLANs() async throws {
        try await CommandLine.with { command in
            let password = "registry-\(UUID().uuidString)"
            let ((outcome, run), seen) = try await ArgumentSampler.during {
                async let ended = command.run(
                    ["run", "cluster-formation", "--profile", "bonding-vlans", "--topology", "2+1", "--keep", "--pause-before", "k3s"],
                    environment: [
                        "VMLAB_REGISTRIES": "registry.example", "VMLAB_REGISTRY_REGISTRY_EXAMPLE_USER": "me",
                        "VMLAB_REGISTRY_REGISTRY_EXAMPLE_PASSWORD": password,
                    ])
                let run = try await Self.pausedRun(command)
                for node in Self.nodes { try await command.succeed("execute", run, node, "--", "bash", "-c", ArgumentSampler.script) }
                try await command.succeed("phase", "continue", run)
                return (try await ended, run)
            }
            try #require(outcome.code == 0, "\(outcome.stdout)\n\(outcome.stderr)")
            try Self.checkReport(command, run)
            try await Self.checkKubectl(command, run)

            // What the image's own boot started is gone, and the files with secrets are root's alone.
            let modes = try await command.succeed(
                "execute", run, "server-2", "--", "stat -c %a /etc/default/k3s-server /etc/rancher/k3s/registries.yaml; hostname")
            #expect(modes == "600\n600\nserver-2\n")
            let token = try await command.succeed(
                "execute", run, "server-1", "--", "sed 's/.*:server://' /var/lib/rancher/k3s/server/token")
            let secret = token.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(secret.count == 32)
            let forms = [secret, password, Data("me:\(password)".utf8).base64EncodedString(), Data(secret.utf8).base64EncodedString()]
            for node in Self.nodes {
                let listed = try await command.succeed("execute", run, node, "--", "cat \(ArgumentSampler.file)")
                #expect(listed.contains("k3s"), "nothing was seen in \(node): \(listed)")
                for form in forms { #expect(!listed.contains(form), "in the arguments of a process of \(node)") }
            }
            #expect(seen.contains { $0.range(of: Data("qemu".utf8)) != nil })
            for form in forms {
                #expect(!seen.contains { $0.range(of: Data(form.utf8)) != nil }, "in the arguments of a process of the host")
                #expect(!outcome.stdout.contains(form) && !outcome.stderr.contains(form))
            }
            try await command.succeed("down", run)
            let folder = try #require(FileManager.default.enumerator(atPath: command.path(run)))
            for case let name as String in folder {
                guard let bytes = FileManager.default.contents(atPath: command.path(run) + "/" + name) else { continue }
                for form in forms { #expect(bytes.range(of: Data(form.utf8)) == nil, "\(name) has it") }
            }
        }
    }

    private static let nodes = ["server-1", "server-2", "agent-1"]

    /// Waits until the run has come to where it is to pause.
    private static func pausedRun(_ command: CommandLine) async throws -> String {
        // Longer than a boot may take; a run that failed shows in its outcome.
        let end = ContinuousClock.now + .seconds(600)
        while ContinuousClock.now < end {
            let runs = try? FileManager.default.contentsOfDirectory(atPath: command.state + "/runs").filter { $0 != "latest" }
            if let run = runs?.first, let events = try? command.events(run) {
                if events.contains(where: { $0["type"] as? String == "phase" && $0["state"] as? String == "paused" }) { return run }
                try #require(!events.contains { $0["type"] as? String == "runFinished" }, "the run ended before it paused")
            }
            try await Task.sleep(for: .milliseconds(500))
        }
        throw CocoaError(.fileReadNoSuchFile)
    }

    private static func checkReport(_ command: CommandLine, _ run: String) throws {
        let status = try JSONDecoder().decode(
            ClusterStatus.self, from: Data(contentsOf: URL(filePath: command.path(run) + "/cluster/status.json")))
        #expect(status.isStandIn && status.profile == "bonding-vlans")
        #expect(status.nodes.map(\.name).sorted() == nodes.sorted())
        let ready = status.nodes.allSatisfy(\.isReady)
        #expect(ready, "\(status.nodes)")
        #expect(status.nodes.flatMap(\.addresses).sorted() == ["192.168.200.1", "192.168.200.2", "192.168.200.3"])
        #expect(status.etcd.members.map(\.node).sorted() == ["server-1", "server-2"] && status.quorum == 2)
        #expect(status.leader != nil && status.term != nil)
        let phases = try command.events(run).filter { $0["type"] as? String == "phase" && $0["state"] as? String == "passed" }
        let identified = phases.first { $0["phase"] as? String == "k3s" }
        #expect((identified?["detail"] as? String)?.hasPrefix("the stand-in ") ?? false)
    }

    /// Debian's own kubectl, as its users call it.
    private static func checkKubectl(_ command: CommandLine, _ run: String) async throws {
        let wide = try await command.succeed("execute", run, "server-1", "--", "kubectl get nodes -o wide")
        let lines = wide.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.first?.prefix(6) == ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP"], "\(wide)")
        for (node, role, address) in [
            ("server-1", "control-plane,etcd", "192.168.200.1"), ("server-2", "control-plane,etcd", "192.168.200.2"),
            ("agent-1", "<none>", "192.168.200.3"),
        ] {
            let line = lines.first { $0.first == node } ?? []
            #expect(line.count > 5 && line[1] == "Ready" && line[2] == role && line[5] == address, "\(wide)")
        }
        #expect(try await command.succeed("execute", run, "server-1", "--", "kubectl get --raw /readyz") == "ok")
        let pods = try await command.succeed("execute", run, "server-1", "--", "kubectl get pods -A")
        #expect(pods.hasPrefix("NAMESPACE"), "\(pods)")
        for name in ["coredns", "local-path-provisioner", "metrics-server"] {
            let line = pods.split(separator: "\n").first { $0.contains(" \(name)-") }
            #expect(line?.hasPrefix("kube-system ") == true && line?.contains(" Running ") == true, "\(pods)")
        }
    }

    @Test("Nobody joins on a network that keeps the nodes apart, and that is why")
    func keptApart() async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "cluster-formation", "--profile", "vlans-broken", "--topology", "2"])
            try #require(outcome.code == 0, "\(outcome.stdout)\n\(outcome.stderr)")
            let phases = try command.events(outcome.run).filter { $0["type"] as? String == "phase" && $0["phase"] as? String == "join" }
            #expect((phases.last?["detail"] as? String)?.contains("cannot be reached") ?? false)
        }
    }

    @Test("--k3s brings a binary into an image that knows nothing of k3s, with its units; another checksum or machine is refused")
    func givenBinary() async throws {
        try await CommandLine.with { command in
            try FileManager.default.createDirectory(atPath: command.state, withIntermediateDirectories: true)
            let file = command.state + "/fake-k3s"
            // What a bring-up asks of any k3s before it starts it; and the message to systemd, which only the main process may send.
            let script = #"""
                #!/bin/sh
                case $1 in
                --version) echo 'k3s version v0.0.1+fake (0)' ;;
                server) exec perl -MSocket -e 'socket(S,PF_UNIX,SOCK_DGRAM,0);send(S,"READY=1",0,sockaddr_un($ENV{NOTIFY_SOCKET}));sleep 3600' ;;
                esac

                """#
            try Data(script.utf8).write(to: URL(filePath: file))
            let outcome = try await command.run(
                ["run", "cluster-formation", "--image", "debian", "--topology", "1", "--k3s", file, "--until", "prepare", "--keep"])
            try #require(outcome.code == 0, "\(outcome.stdout)\n\(outcome.stderr)")
            let run = outcome.run
            let identified = try command.events(run).last { $0["type"] as? String == "phase" && $0["phase"] as? String == "k3s" }
            #expect((identified?["detail"] as? String)?.hasPrefix("k3s v0.0.1+fake, dialect debian, from --k3s (SHA-256 ") ?? false)
            let said = try await command.succeed(
                "execute", run, "server-1", "--",
                "sha256sum </usr/local/bin/k3s; systemctl start k3s-server && systemctl is-active k3s-server; systemctl show -p ExecStart --value k3s-server"
            )
            #expect(said.contains("\nactive\n") && said.contains("/usr/local/bin/k3s server"))
            let plan = try String(contentsOfFile: command.path(run) + "/plan.json", encoding: .utf8)
            #expect(plan.contains(String(said.prefix(64))))
            let refused = try await command.run(["run", "two-nodes", "--k3s", file])
            #expect(refused.code == 2 && refused.stderr.contains("it has no cluster"))
            let other = try await command.run(["plan", "cluster-formation", "--topology", "2", "--k3s", "/etc/hostname"])
            #expect(other.code == 2 && other.stderr.contains("neither an ELF file nor a script"))
        }
    }

    @Test(
        "Sizes that no cluster has are refused before anything starts",
        arguments: [["--topology", "6"], ["--topology", "0+1"], ["--topology", "x"], ["--nodes", "3"]])
    func sizes(_ arguments: [String]) async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["plan", "cluster-formation"] + arguments)
            #expect(outcome.code == 2 || outcome.code == 64, "\(outcome.stderr)")
        }
    }
}
