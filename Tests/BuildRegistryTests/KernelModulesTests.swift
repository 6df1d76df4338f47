import LabEvents
import Testing

@testable import BuildRegistry

@Suite(.tier(.unit))
struct KernelModulesTests {
    let modules = KernelModules(
        dependencies: """
            kernel/virtio/virtio_pci.ko.xz: kernel/virtio/legacy.ko.xz kernel/virtio/virtio.ko.xz kernel/virtio/virtio_ring.ko.xz
            kernel/virtio/legacy.ko.xz: kernel/virtio/virtio.ko.xz
            kernel/virtio/virtio.ko.xz: kernel/virtio/virtio_ring.ko.xz
            kernel/virtio/virtio_ring.ko.xz:
            kernel/char/virtio-rng.ko.xz: kernel/virtio/virtio.ko.xz kernel/virtio/virtio_ring.ko.xz
            """, builtin: "kernel/fs/ext4/ext4.ko\nkernel/net/8021q/8021q.ko\n")

    @Test func everyModuleComesAfterWhatItNeeds() throws {
        #expect(
            try modules.closure(of: ["virtio_pci", "virtio-rng"]) == [
                "kernel/virtio/virtio_ring.ko.xz", "kernel/virtio/virtio.ko.xz", "kernel/virtio/legacy.ko.xz",
                "kernel/virtio/virtio_pci.ko.xz",
                "kernel/char/virtio-rng.ko.xz",
            ])
    }

    @Test func builtInAndOptionalModulesAreSkipped() throws {
        #expect(try modules.closure(of: ["ext4", "8021q"], optional: ["vmgenid"]) == [])
        #expect(!modules.isLoadable("ext4"))
        #expect(modules.isLoadable("virtio_rng"))
    }

    @Test func unknownModulesAreAllNamed() throws {
        let problem = try #require(throws: Problem.self) { try modules.closure(of: ["virtio_pci", "vitrio_net", "nope"]) }
        #expect(problem.what == "the kernel has no module vitrio_net, nope")
    }

    @Test func theListForTheGuestHasOnlyPlainFiles() {
        #expect(modules.dependencies(of: ["kernel/virtio/virtio.ko.xz"]) == "kernel/virtio/virtio.ko: kernel/virtio/virtio_ring.ko\n")
    }
}
