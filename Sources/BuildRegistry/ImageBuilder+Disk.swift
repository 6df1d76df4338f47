import FoundationEssentials
import LabEvents
import SystemPackage

extension ImageBuilder {
    private static let mebibyte: Int64 = 1 << 20

    /// Makes `disk.raw`: GPT, the EFI system partition from 1 MiB on, the ext4 partition behind it, and room for the second table.
    ///
    /// - Returns: its size in bytes.
    func assembleDisk(_ work: Workplace) async throws -> Int64 {
        let layout = work.description.disk
        let disk = work.path + "/disk.raw"
        let bytes = Int64(1 + layout.espMiB + layout.sizeMiB + 1) * Self.mebibyte
        try Folder.makeSparse(disk, bytes: bytes)
        let table = """
            label: gpt
            start=1MiB, size=\(layout.espMiB)MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="esp", attrs="LegacyBIOSBootable"
            start=\(1 + layout.espMiB)MiB, size=\(layout.sizeMiB)MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="\(layout.label)"

            """
        try await work.runner.run(["sfdisk", "--quiet", disk], input: table)
        try await work.runner.run(["dd", "if=\(Self.bootSector)", "of=\(disk)", "bs=440", "count=1", "conv=notrunc", "status=none"])

        let partition = try await makeSystemPartition(work)
        try await work.runner.run(["dd", "if=\(partition)", "of=\(disk)", "bs=1M", "seek=1", "conv=notrunc,sparse", "status=none"])
        Folder.remove(partition)

        let content = work.description.kind == .disk ? work.tree : work.path + "/empty"
        if work.description.kind == .initramfs { try Folder.create(content) }
        let offset = Int64(1 + layout.espMiB) * Self.mebibyte
        // Tables written now are tables that the guest's kernel does not write later, behind every test's back.
        let options = "offset=\(offset),root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"
        try await work.runner.run(
            work.asRoot([
                "mke2fs", "-q", "-F", "-t", "ext4", "-L", layout.label, "-E", options, "-d", content, disk, "\(layout.sizeMiB)M",
            ]))
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
        let entry = "title \(description.name)\nlinux /kernel\ninitrd /initrd\noptions \(line)\n"
        let files = work.path + "/esp"
        try Folder.write(bios, to: files + "/syslinux.cfg")
        try Folder.write("default vmlab.conf\ntimeout 0\neditor no\n", to: files + "/loader/loader.conf")
        try Folder.write(entry, to: files + "/loader/entries/vmlab.conf")
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
