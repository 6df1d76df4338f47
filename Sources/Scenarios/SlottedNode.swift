import GuestShell
import LabEvents
import Phases
import VMLab

/// A node with two root slots, of which one is in use while the other is written. The boot loader keeps in UEFI variables which one to start: one always, and one
/// once, whatever becomes of it (systemd.io/BOOT_LOADER_INTERFACE).
struct SlottedNode: Sendable {
    let node: Node

    /// The vendor of the boot loader's variables.
    private static let vendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
    private static let variables = "/sys/firmware/efi/efivars"
    /// Where the slot that is not in use is mounted while it is written.
    private static let target = "/mnt"
    /// What is not of the root but mounted there: not in a bundle.
    private static let mounts = "data dev lost+found mnt proc run sys tmp"

    /// What runs.
    struct Running: Sendable, Equatable {
        var slot: String
        var version: Int
    }

    /// A whole root as a file, with what must come out of it.
    struct Bundle: Sendable, Equatable {
        var path: String
        var version: Int
        var sha256: String
        var bytes: Int

        /// Reads a manifest: version, SHA-256 and size.
        ///
        /// - Returns: nil for anything else.
        init?(path: String, manifest: String) {
            let words = manifest.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count == 3, let version = Int(words[0]), let bytes = Int(words[2]), bytes > 0 else { return nil }
            guard words[1].count == 64, words[1].allSatisfy(\.isHexDigit) else { return nil }
            (self.path, self.version, self.sha256, self.bytes) = (path, version, words[1], bytes)
        }

        var text: String { "version \(version), \((Double(bytes) / 1_048_576).rounded(to: 1)) MiB, SHA-256 \(sha256.prefix(12))…" }
    }

    /// The slot and the version that run, by the kernel's command line, the mount table, the boot loader's own word and the root itself.
    ///
    /// - Throws: a ``Problem`` when these do not agree.
    func running() async throws -> Running {
        let text = try await node.succeed(
            """
            for word in $(cat /proc/cmdline); do case $word in vmlab.slot=*) echo ${word#*=} ;; esac; done
            device=$(findfs LABEL=slot-$(sed 's/.*vmlab.slot=\\([a-z0-9]*\\).*/\\1/' /proc/cmdline))
            while read -r from at _; do [ "$at" != / ] || [ "$from" = rootfs ] || echo "$from"; done </proc/mounts
            echo "$device"
            tail -c +5 \(Self.variables)/LoaderEntrySelected-\(Self.vendor) | tr -d '\\000'; echo
            cat /etc/slot-version
            """
        ).stdout.trimmed
        let words = text.split(separator: "\n").map(String.init)
        guard words.count == 5, words[1] == words[2], words[3].lowercased() == "\(words[0]).conf", let version = Int(words[4]) else {
            throw Problem(
                .failure, "\(node.name): it is not clear which slot runs", location: node.name,
                why: "command line, mounted, slot's device, boot loader, version: \(words.joined(separator: ", "))")
        }
        return Running(slot: words[0], version: version)
    }

    /// Asserts what runs.
    @discardableResult
    func expect(_ slot: String, version: Int) async throws -> String {
        let found = try await running()
        guard found == Running(slot: slot, version: version) else {
            throw Problem(
                .failure, "\(node.name) runs version \(found.version) in slot \(found.slot)",
                why: "it should run version \(version) in slot \(slot)")
        }
        return "version \(version) in slot \(slot)"
    }

    /// Makes a bundle of the running root with another version: what a build server would do.
    ///
    /// - Parameters:
    ///   - version: what it says of itself.
    ///   - health: the script that says whether it is worth keeping.
    ///   - without: a part of the root that it lacks.
    func makeBundle(_ path: String, version: Int, health: String = "exit 0", without: String? = nil) async throws -> Bundle {
        let root = "/data/root-\(version)"
        try await node.succeed(
            """
            set -e
            rm -rf \(root) && mkdir -p \(root) $(dirname \(path)) && cd /
            for part in *; do case ' \(Self.mounts) ' in *" $part "*) mkdir \(root)/$part ;; *) cp -a $part \(root)/ ;; esac; done
            cd \(root)
            echo \(version) >etc/slot-version
            printf '#!/bin/sh\\n%s\\n' \(ShellQuoting.quote(health)) >etc/slot-health
            \(without.map { "rm -rf .\($0)" } ?? ":")
            find . -type f ! -path ./files.sha256 -print0 | sort -z | xargs -0 sha256sum >/tmp/files.sha256 && mv /tmp/files.sha256 files.sha256
            tar -cf \(path) . && cd / && rm -rf \(root)
            echo \(version) $(sha256sum <\(path) | cut -d' ' -f1) $(stat -c %s \(path)) >\(path).manifest
            """, timeout: Budget.update.scaled(by: node.pace))
        return try await bundle(path)
    }

    /// What a bundle's manifest announces.
    func bundle(_ path: String) async throws -> Bundle {
        let text = try await node.succeed("cat \(path).manifest").stdout.trimmed
        if let bundle = Bundle(path: path, manifest: text) { return bundle }
        throw Problem(.failure, "\(node.name): \(path).manifest is none", why: "it says '\(text.prefix(200))'")
    }

    /// Writes a bundle to the slot that is not in use: compares its checksum first and each file afterwards. The slot in use is not touched.
    ///
    /// - Returns: the slot.
    /// - Throws: a ``Problem``; when the checksum differs, nothing has been written.
    func apply(_ bundle: Bundle) async throws -> String {
        let slot = try await otherSlot()
        let file = bundle.path
        let sum = try await node.succeed("sha256sum <\(file) | cut -d' ' -f1", timeout: Budget.update.scaled(by: node.pace)).stdout.trimmed
        guard sum == bundle.sha256 else {
            throw Problem(
                .failure, "\(node.name): the bundle of version \(bundle.version) is damaged: \(Self.refusal)", location: file,
                why: "its SHA-256 is \(sum.prefix(12))…, and \(bundle.sha256.prefix(12))… was announced")
        }
        try await node.succeed(
            """
            set -e
            device=$(findfs LABEL=slot-\(slot))
            mkfs.ext4 -q -F -L slot-\(slot) "$device"
            mount -t ext4 "$device" \(Self.target)
            trap 'cd / && umount \(Self.target)' EXIT
            tar -xf \(file) -C \(Self.target)
            sync; echo 3 >/proc/sys/vm/drop_caches
            cd \(Self.target)
            sha256sum -c files.sha256 >/tmp/compared || { grep -v ': OK$' /tmp/compared >&2; exit 1; }
            """, timeout: Budget.update.scaled(by: node.pace))
        return slot
    }

    /// What an error says of a bundle that was not applied.
    static let refusal = "nothing was written"

    /// The slot that is not in use.
    func otherSlot() async throws -> String { try await running().slot == "a" ? "b" : "a" }

    /// Lets the boot loader start a slot at the next boot, and only then.
    func bootOnce(_ slot: String) async throws { try await set("LoaderEntryOneShot", "\(slot).conf") }

    /// Lets the boot loader start the running slot from now on.
    func commit() async throws { try await set("LoaderEntryDefault", "\(running().slot).conf") }

    /// Sets a variable of the boot loader: attributes (UEFI specification, 8.2: non-volatile, at boot, at run time), then the text in UTF-16.
    private func set(_ name: String, _ value: String) async throws {
        let bytes = "\\007\\000\\000\\000" + value.map { "\($0)\\000" }.joined() + "\\000\\000"
        let path = "\(Self.variables)/\(name)-\(Self.vendor)"
        try await node.succeed("[ ! -e \(path) ] || chattr -i \(path); printf '\(bytes)' >/tmp/variable && cat /tmp/variable >\(path)")
    }

    /// Asks the system that runs whether it is worth keeping.
    func isHealthy() async throws -> Bool {
        switch try await node.execute("/etc/slot-health").outcome {
        case .exited(0): true
        case .exited(126), .exited(127): throw Problem(.failure, "\(node.name) has no /etc/slot-health")
        default: false
        }
    }

    /// What an update agent does after a boot into a slot that is on trial: keeps it when it is healthy, and else goes back by another boot.
    ///
    /// - Returns: whether it was kept.
    func keepOrGoBack() async throws -> Bool {
        if try await isHealthy() {
            try await commit()
            return true
        }
        try await node.reboot()
        return false
    }
}

extension Budget {
    /// For one step of an update, such as unpacking a bundle.
    static let update = Budget("update", .seconds(120))
}
