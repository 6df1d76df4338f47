import BuildRegistry
import Foundation
import GuestShell
import LabEvents
import Testing
import VMLab

/// Images that a lab names by their variants.
@Suite("Registered images", .tier(.guest))
struct RegisteredImageTests {
    private static let yaml = """
        groups:
          - name: built
            builder: import
            axes: {role: [mini], machine: [qemu], boot: [direct], arch: [amd64]}
            outputs:
              disk: {patterns: [disk.qcow2], format: qcow2, size: 1M-1G}
              kernel: {patterns: [kernel], format: kernel, size: 1M-64M}
              initrd: {patterns: [initrd], format: initrd, size: 1M-256M}
            guest: {commandLine: console=ttyS0 net.ifnames=0 no_timer_check, memoryMiB: 256, consoles: {backdoor: hvc0}}
          - name: foreign
            builder: import
            axes: {role: [edge], machine: [qemu], node: [a, b], boot: [uefi], arch: [amd64]}
            outputs: {wic: {patterns: ["*.wic"], format: wic, size: 1M-1G}}
            guest: {memoryMiB: 256, consoles: {backdoor: hvc0}}
        """

    @Test("An image of ours and a GPT image for UEFI boot by their variants' names, from files that stay as they are")
    func byName() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/vmlab-registered-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.yaml.write(toFile: folder + "/variants.yaml", atomically: true, encoding: .utf8)
        let (catalog, registry) = (ImageCatalog(folders: [folder]), ImageRegistry(cache: folder))
        let matrix = try VariantMatrix.standard(catalog: catalog)
        let mini = try await GuestFixture.image("mini")
        try await ForeignDisk.make(folder + "/foreign.wic", from: mini)
        let parts = ["disk": mini.disk?.path, "kernel": mini.kernel, "initrd": mini.initrd].compactMapValues { $0 }
        for (name, files) in [("mini", parts), ("edge@node=a", ["wic": folder + "/foreign.wic"])] {
            _ = try await registry.register(
                ImageRegistration(variant: try matrix.variant(named: name), files: files, provenance: Provenance(builder: "test")))
        }
        for (name, check) in [("mini", "[ ! -d /sys/firmware/efi ]"), ("edge@node=a", "[ -d /sys/firmware/efi ]")] {
            let facts = try await ImageFacts.resolve(name, catalog: catalog, store: ImageStore(cache: folder))
            let image = try await registry.bootable(facts.name, digest: facts.digest)
            try await GuestFixture.boot(image) { machine async throws in
                #expect(try await machine.shell.execute(check).succeeded, "\(name)")
            }
        }
        #expect(try await registry.verify().faults == [])
        let missing = await #expect(throws: Problem.self) {
            try await ImageFacts.resolve("edge@node=b", catalog: catalog, store: ImageStore(cache: folder))
        }
        #expect(missing?.remedy == "vmlab image build --variant edge@machine=qemu,profile=none,node=b,boot=uefi,arch=amd64")
    }
}
