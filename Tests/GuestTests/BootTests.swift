import BuildRegistry
import Foundation
import GuestShell
import QEMU
import Testing
import VMLab

/// The ways a guest can boot and the ways into it.
@Suite("Boots", .tier(.guest), .serialized)
struct BootTests {
    @Test("One image boots direct, by BIOS and by UEFI; what it wrote is there after a reboot", arguments: BootMode.allCases)
    func modes(_ mode: BootMode) async throws {
        try await GuestFixture.boot(mode: mode) { machine async throws in
            let shell = machine.shell
            #expect(
                try await shell.execute("[ -d /sys/firmware/efi ] && echo uefi || echo bios").output == (mode == .uefi ? "uefi" : "bios"))
            #expect(try await shell.execute("echo kept >/data/file && sync").succeeded)
            let variable = "/sys/firmware/efi/efivars/VmlabTest-5f0c6a1e-27b1-4d0a-9d1f-6d3a52c1f7aa"
            if mode == .uefi {
                let write = try await shell.execute(
                    #"modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars; printf '\007\000\000\000kept' >/tmp/v; dd if=/tmp/v of=\#(variable) bs=64 2>&1"#
                )
                #expect(write.succeeded, "\(write.stderr.text)")
            }
            _ = try? await shell.execute("reboot -f; sleep 100")
            #expect(try await shell.execute("cat /data/file").output == "kept")
            if mode == .uefi {
                let read = try await shell.execute(
                    "modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars; tail -c 4 \(variable)")
                #expect(read.output == "kept", "\(read.stderr.text)")
            }
        }
    }

    @Test("A login on ttyS0 is a way in, with the image's own password")
    func serialLogin() async throws {
        try await GuestFixture.boot(waysIn: [.serial]) { machine async throws in
            #expect(try await machine.shell.execute("id -u").output == "0")
            _ = try? await machine.shell.execute("reboot -f; sleep 100")
            #expect(try await machine.shell.execute("echo again").output == "again")
        }
    }

    @Test("A foreign GPT image, as a .wic is, boots under UEFI as it is, and is not written")
    func foreign() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/vmlab-wic-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/foreign.wic"
        try await ForeignDisk.make(path, from: try await GuestFixture.image("mini"))
        let before = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        let image = try await ForeignImage.inspect(path)
        #expect(image.firmwares == [.uefi])
        try await GuestFixture.boot(image, mode: .uefi) { machine async throws in
            #expect(try await machine.shell.execute("[ -d /sys/firmware/efi ] && echo uefi").output == "uefi")
        }
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date == before)
    }

    @Test("The debian image: backdoor, agent and journal; several commands at once")
    func debian() async throws {
        try await GuestFixture.boot("debian", mode: .uefi, waysIn: [.agent]) { machine async throws in
            let shell = machine.shell
            #expect(try await shell.execute("cat /proc/1/comm").output == "systemd")
            for tool in ["systemctl", "networkctl", "ip", "curl", "etcd", "etcdctl", "journalctl", "bash"] {
                #expect(try await shell.execute("command -v \(tool)").succeeded, "\(tool)")
            }
            #expect(try await shell.execute("journalctl -b -o cat -n 1").succeeded)
            #expect(try await shell.execute("cat /sys/class/net/eth0/address").output.hasPrefix("52:54:00:"))
        }
    }
}
