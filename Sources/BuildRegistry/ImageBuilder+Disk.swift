import FoundationEssentials
import LabEvents
import SystemPackage

extension ImageBuilder {
    private static let mebibyte: Int64 = 1 << 20

    /// One ext4 partition of the disk.
    private struct Partition {
        var label: String
        var startMiB: Int
        var sizeMiB: Int
        /// The folder whose files it gets; nil for none.
        var content: String?
    }

    /// The ext4 partitions: the root or data, then the slots.
    private func partitions(_ work: Workplace) -> [Partition] {
        let (layout, kind) = (work.description.disk, work.description.kind)
        var found = [
            Partition(
                label: layout.label, startMiB: 1 + layout.espMiB, sizeMiB: layout.sizeMiB, content: kind == .disk ? work.tree : nil)
        ]
        for (index, name) in (layout.slots?.names ?? []).enumerated() {
            let size = layout.slots?.sizeMiB ?? 0
            let start = 1 + layout.espMiB + layout.sizeMiB + index * size
            found.append(Partition(label: "slot-\(name)", startMiB: start, sizeMiB: size, content: index == 0 ? work.initramfs : nil))
        }
        return found
    }

    /// Makes `disk.raw`: GPT, the EFI system partition from 1 MiB on, the ext4 partitions behind it, and room for the second table.
    ///
    /// - Returns: its size in bytes.
    func assembleDisk(_ work: Workplace) async throws -> Int64 {
        let layout = work.description.disk
        let disk = work.path + "/disk.raw"
        let partitions = partitions(work)
        let end = partitions.map { $0.startMiB + $0.sizeMiB }.max() ?? 1 + layout.espMiB
        let bytes = Int64(end + 1) * Self.mebibyte
        try Folder.makeSparse(disk, bytes: bytes)
        var table = """
            label: gpt
            start=1MiB, size=\(layout.espMiB)MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="esp", attrs="LegacyBIOSBootable"

            """
        for partition in partitions {
            table += "start=\(partition.startMiB)MiB, size=\(partition.sizeMiB)MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, "
            table += "name=\"\(partition.label)\"\n"
        }
        try await work.runner.run(["sfdisk", "--quiet", disk], input: table)
        // A BIOS would start no slot.
        if layout.slots == nil {
            try await work.runner.run(["dd", "if=\(Self.bootSector)", "of=\(disk)", "bs=440", "count=1", "conv=notrunc", "status=none"])
        }

        let partition = try await makeSystemPartition(work)
        try await work.runner.run(["dd", "if=\(partition)", "of=\(disk)", "bs=1M", "seek=1", "conv=notrunc,sparse", "status=none"])
        Folder.remove(partition)
        let empty = work.path + "/empty"
        try Folder.create(empty)
        for partition in partitions {
            let offset = Int64(partition.startMiB) * Self.mebibyte
            // Tables written now are tables that the guest's kernel does not write later, behind every test's back.
            let options = "offset=\(offset),root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"
            try await work.runner.run(
                work.asRoot([
                    "mke2fs", "-q", "-F", "-t", "ext4", "-L", partition.label, "-E", options, "-d", partition.content ?? empty, disk,
                    "\(partition.sizeMiB)M",
                ]))
        }
        return bytes
    }

    /// Makes the FAT file system with kernel, initramfs and two boot loaders: syslinux for BIOS, systemd-boot for UEFI.
    private func makeSystemPartition(_ work: Workplace) async throws -> String {
        let (description, image) = (work.description, work.path + "/esp.img")
        try Folder.makeSparse(image, bytes: Int64(description.disk.espMiB) * Self.mebibyte)
        // -h: the sectors before the partition, which the boot sector adds to every address.
        try await work.runner.run(["mkfs.vfat", "-n", "VMLAB-ESP", "-h", "2048", image])
        try await work.runner.run(["syslinux", "--install", image])

        let line = description.kernelCommandLine
        let bios = "DEFAULT vmlab\nPROMPT 0\nTIMEOUT 0\nLABEL vmlab\n  LINUX /kernel\n  INITRD /initrd\n  APPEND \(line)\n"
        let files = work.path + "/esp"
        try Folder.write(bios, to: files + "/syslinux.cfg")
        var entries = (description.disk.slots?.names ?? []).map { (name: $0, line: "\(line) vmlab.slot=\($0)") }
        if entries.isEmpty { entries = [(name: "vmlab", line: line)] }
        try Folder.write("default \(entries[0].name).conf\ntimeout 0\neditor no\n", to: files + "/loader/loader.conf")
        for entry in entries {
            let text = "title \(description.name)\nlinux /kernel\ninitrd /initrd\noptions \(entry.line)\n"
            try Folder.write(text, to: "\(files)/loader/entries/\(entry.name).conf")
        }
        try Folder.copy(try efiLoader(work), to: files + "/EFI/BOOT/BOOTX64.EFI")
        try await work.runner.run(
            ["mcopy", "-s", "-i", image, "EFI", "loader", "syslinux.cfg", work.folder + "/kernel", work.folder + "/initrd", "::/"],
            in: files)
        return image
    }

    /// systemd-boot from the image's own packages, else from the host's.
    private func efiLoader(_ work: Workplace) throws(Problem) -> String {
        let path = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
        guard let found = [work.tree + path, path].first(where: Folder.exists) else {
            throw Problem(
                .invalidInput, "the image '\(work.description.name)' has no boot loader for UEFI", location: path,
                why: "neither its packages nor this host have systemd-boot",
                remedy: "add systemd-boot-efi to the packages of the description")
        }
        return found
    }
}
