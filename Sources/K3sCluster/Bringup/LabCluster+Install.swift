import GuestShell
import LabEvents
import Phases
import SystemPackage
import VMLab

extension LabCluster {
    /// Where a given binary goes.
    private static let binary = "/usr/local/bin/k3s"

    /// Puts a k3s binary into a guest, as the only one that its units and commands find.
    ///
    /// The units of the image stay, with the binary in place of theirs; an image without units gets those of Debian's dialect. The file's SHA-256 is compared in
    /// the guest.
    func install(_ file: PlannedFile, on node: Node) async throws {
        let isThere = try await node.ask("sha256sum \(Self.binary) 2>/dev/null || :").hasPrefix(file.sha256)
        if !isThere {
            try await node.ask("mkdir -p /usr/local/bin; rm -f \(Self.binary)")
            let transfer = try await node.machine().shell.upload(FilePath(file.path), to: Self.binary, mode: 0o755)
            guard transfer.sha256 == file.sha256 else {
                throw Problem(
                    .failure, "\(node.name): --k3s has changed since the plan was made", location: file.path,
                    why: "SHA-256 \(transfer.sha256.prefix(12))…, planned \(file.sha256.prefix(12))…", remedy: "start the run again")
            }
        }
        let known = try? await dialect(of: node)
        let dialect = known ?? .debian
        var script = known == nil ? Self.units(dialect) : ""
        for service in [dialect.server, dialect.agent] where known != nil {
            let role = service.roleKey.map { "$\($0)" } ?? (service == dialect.server ? "server" : "agent")
            script += Self.file(
                "/etc/systemd/system/\(service.unit).d/10-vmlab-binary.conf",
                "[Service]\nExecStart=\nExecStart=\(Self.binary) \(role) $\(service.optionsKey)\n")
        }
        script += """
            for name in kubectl; do [ -x /usr/local/bin/$name ] || [ -x /usr/bin/$name ] || ln -sf \(Self.binary) /usr/local/bin/$name; done
            systemctl daemon-reload
            """
        try await node.succeed(script)
    }

    /// Units as k3s's install script makes them (`install.sh:create_systemd_service_file`), with the files of a dialect.
    private static func units(_ dialect: K3sDialect) -> String {
        [(dialect.server, "server"), (dialect.agent, "agent")].map { service, role in
            file(
                "/etc/systemd/system/\(service.unit)",
                """
                [Unit]
                Description=Lightweight Kubernetes
                Wants=network-online.target
                After=network-online.target

                [Service]
                Type=notify
                EnvironmentFile=-\(service.environmentFile)
                KillMode=process
                Delegate=yes
                User=root
                LimitNOFILE=1048576
                LimitNPROC=infinity
                LimitCORE=infinity
                TasksMax=infinity
                TimeoutStartSec=0
                Restart=always
                RestartSec=5s
                ExecStartPre=-/sbin/modprobe br_netfilter
                ExecStartPre=-/sbin/modprobe overlay
                ExecStart=\(binary) \(role) $\(service.optionsKey)

                [Install]
                WantedBy=multi-user.target

                """)
        }.joined()
    }

    /// A script that writes a file.
    static func file(_ path: String, _ content: String, mode: String = "644") -> String {
        """
        mkdir -p "$(dirname \(path))" && cat >\(path) <<'VMLAB-END' && chmod \(mode) \(path)
        \(content)VMLAB-END

        """
    }
}
