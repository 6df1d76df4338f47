import FoundationEssentials
import LabEvents

extension ImageBuilder {
    /// What the host's apt says about where packages come from.
    struct Sources {
        var list: String
        var options: [String]
    }

    func readSources(_ host: HostDistribution, _ work: Workplace) async throws -> Sources {
        let targets = try await work.runner.run(["apt-get", "indextargets", "--format", PackageSources.format])
        let sources = try PackageSources(indexTargets: targets, for: host)
        let options = PackageSources.acquireOptions(aptConfig: try await work.runner.run(["apt-config", "dump"]))
        return Sources(list: sources.sourcesList, options: options)
    }

    /// Runs mmdebstrap, which leaves the tree of files as `tree.tar`.
    func makeTree(
        _ packages: [String], _ host: HostDistribution, _ sources: Sources, _ work: Workplace, report: @Sendable (ImageBuildEvent) -> Void
    ) async throws -> [PackageVersion] {
        let description = work.description
        let list = work.path + "/sources.list"
        try Folder.write(sources.list, to: list)
        var command = [
            "mmdebstrap", "--verbose", "--format=tar", "--mode=\(Self.isRoot ? "root" : "unshare")", "--variant=\(description.variant)",
            "--architectures=\(host.architecture)", "--include=\(packages.joined(separator: ","))",
        ]
        command += sources.options.map { "--aptopt=\($0)" }
        if description.kind == .disk {
            try await writeOverlay(to: work.path + "/overlay", work)
            try await work.runner.run([
                "tar", "--owner=0", "--group=0", "--numeric-owner", "-C", work.path + "/overlay", "-cf", work.path + "/overlay.tar", ".",
            ])
            command += ["man", "doc", "info", "locale"].map { "--dpkgopt=path-exclude=/usr/share/\($0)/*" }
            command += hooks(description, overlay: work.path + "/overlay.tar").map { "--customize-hook=\($0)" }
        }
        command += [host.codename, work.path + "/tree.tar", list]

        var progress = PackageProgress()
        // The kernel's own script would make an initramfs before the overlay says what belongs into it; a hook makes it afterwards.
        let outcome = try await work.runner.outcome(command, environment: ["INITRD": "No", "SYSTEMD_OFFLINE": "1"]) { line in
            guard let count = progress.consume(line) else { return }
            report(.packages(image: description.name, activity: count.activity, done: count.done, total: count.total))
        }
        guard !outcome.succeeded else { return progress.packages }
        let complaints = progress.complaints.suffix(10).joined(separator: "\n")
        if progress.isFetchFailure, !outcome.lacksSpace {
            throw Problem.environment(
                .fetchFailed, "the packages of the image '\(description.name)' could not be fetched",
                location: "mmdebstrap \(host.codename)",
                why: complaints, remedy: "check with `sudo apt-get update` that this host reaches its package sources, then build again")
        }
        throw ToolRunner.problem(command, outcome)
    }

    /// What is done in the tree once all packages are set up, as commands of a shell whose first parameter is the tree.
    private func hooks(_ description: ImageDescription, overlay: String) -> [String] {
        var hooks = ["tar-in '\(overlay)' /"]
        let units = description.units
        // A unit that this release of the distribution does not have need not be switched off.
        hooks += units.disable.map { "chroot \"$1\" systemctl disable \($0) || true" }
        if !units.enable.isEmpty { hooks.append("chroot \"$1\" systemctl enable \(units.enable.joined(separator: " "))") }
        if !units.mask.isEmpty { hooks.append("chroot \"$1\" systemctl mask \(units.mask.joined(separator: " "))") }
        hooks += (description.commands ?? []).map { "chroot \"$1\" sh -c '\($0.replacing("'", with: "'\\''"))'" }
        hooks += description.users.map { "echo \($0.name):\($0.password) | chroot \"$1\" chpasswd" }
        hooks.append("chroot \"$1\" update-initramfs -c -k all")
        return hooks
    }

    /// Unpacks `tree.tar` and removes from it what belongs to the host and not to the image.
    func unpackTree(_ work: Workplace) async throws {
        try Folder.create(work.tree)
        if !Self.isRoot { try Folder.write("", to: work.owners) }
        // The nodes in /dev are the kernel's business; a container may not even make them.
        let attributes = Self.isRoot ? ["--xattrs", "--xattrs-include=*"] : []
        try await work.runner.run(
            work.asRoot(["tar", "-C", work.tree, "--numeric-owner", "--exclude=./dev/*"] + attributes + ["-xpf", work.path + "/tree.tar"]))
        Folder.remove(work.path + "/tree.tar")
        for path in ["etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list", "etc/apt/sources.list.d", "etc/resolv.conf"] {
            Folder.remove(work.tree + "/" + path)
        }
        if work.description.kind == .disk {
            // Empty, not absent: every fresh overlay then makes an id of its own, and systemd does not take the boot for a first one.
            try Folder.write("", to: work.tree + "/etc/machine-id")
        }
    }

    /// Copies the kernel, and for an image with its root on the disk the initramfs, out of the tree.
    func takeKernel(_ work: Workplace) async throws {
        let boot = work.tree + "/boot"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: boot).sorted()) ?? []
        func take(_ prefix: String, as name: String) throws {
            guard let file = files.last(where: { $0.hasPrefix(prefix) }) else {
                throw Problem(
                    .invalidInput, "the packages of '\(work.description.name)' have no \(name)", location: "/boot/\(prefix)*",
                    why: "/boot holds: \(files.joined(separator: ", "))", remedy: "name a kernel package in the description")
            }
            try Folder.copy(boot + "/" + file, to: work.folder + "/" + name)
        }
        try take("vmlinuz-", as: "kernel")
        if work.description.kind == .disk { try take("initrd.img-", as: "initrd") }
    }

    /// Writes the files, folders and links of the description under `root`.
    func writeOverlay(to root: String, _ work: Workplace) async throws {
        let description = work.description
        try Folder.create(root)
        for folder in description.folders { try Folder.create(root + folder) }
        var files = description.files
        if description.kind == .disk {
            files.append(.init(path: "/etc/initramfs-tools/modules", mode: 0o644, content: description.modules.map { $0 + "\n" }.joined()))
            // Only what is listed, and no search for a hibernated system.
            files.append(.init(path: "/etc/initramfs-tools/conf.d/vmlab", mode: 0o644, content: "MODULES=list\nRESUME=none\n"))
        }
        for file in files { try Folder.write(file.content, to: root + file.path, mode: file.mode) }
        for (path, target) in description.symlinks.sorted(by: { $0.key < $1.key }) { try Folder.link(root + path, to: target) }
    }
}
