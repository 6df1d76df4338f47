import BuildRegistry
import Foundation
import QEMU

@testable import VMLab

/// Values that plans are made of in tests.
enum PlanFixtures {
    static let mini = ImageFacts(
        name: "mini", key: String(repeating: "0123456789abcdef", count: 4), bootModes: [.direct, .bios, .uefi], defaultMemoryMiB: 256,
        commandLine: "console=ttyS0 net.ifnames=0",
        consoles: GuestConsoles(backdoor: "hvc0", login: .init(device: "ttyS0", user: "root", password: "vmlab")))
    static let wic = ImageFacts(
        name: "product.wic", key: "file:/srv/product.wic:4096:1.5", bootModes: [.bios, .uefi], file: "/srv/product.wic", isCached: true)
    static let images = ["mini": mini, "/srv/product.wic": wic]

    /// A host with nothing in the way, unless said otherwise.
    static func host(
        _ cpus: Int, quota: Double? = nil, total: Int = 65536, available: Int? = nil, disk: Int = 100_000, shared: Int = 32768,
        _ accelerator: Accelerator = .tcg, reason: String? = nil, pace: Double = 1
    ) -> HostCapacity {
        HostCapacity(
            logicalCPUs: cpus, cpuQuota: quota, memoryTotalMiB: total, memoryAvailableMiB: available ?? total, diskFreeMiB: disk,
            sharedMemoryFreeMiB: shared, accelerator: accelerator, acceleratorReason: reason, pace: pace, kernel: "6.1.0",
            system: "Debian GNU/Linux 12 (bookworm)")
    }

    /// GitHub's runner for Linux: 4 vCPUs, 16 GB, /dev/shm of half the memory.
    static let github = host(4, total: 15989, available: 15100, disk: 14000, shared: 7994, .kvm)

    /// Nodes of one size on one segment.
    static func nodes(_ count: Int, vcpus: Int? = nil, memory: Int? = nil, image: String = "mini") -> Topology {
        Topology(
            nodes: (1...count).map { number in
                .init(
                    name: "server-\(number)", image: image, memoryMiB: memory, vcpus: vcpus,
                    interfaces: [.init(name: "eth1", segment: "lan", address: "192.168.1.\(number)/24")])
            }, segments: [.init(name: "lan")])
    }

    /// The lab of the golden plan: one node boots directly, the other with UEFI and two interfaces.
    static let pair = Topology(
        nodes: [
            .init(name: "a", image: "mini", memoryMiB: 128, interfaces: [.init(name: "eth1", segment: "lan", address: "192.168.1.1/24")]),
            .init(
                name: "b", image: "mini", memoryMiB: 128, bootMode: .uefi,
                interfaces: [
                    .init(name: "eth1", segment: "lan", address: "192.168.1.2/24"), .init(name: "eth2", segment: "storage"),
                ]),
        ], segments: [.init(name: "lan"), .init(name: "storage")])

    static func pairPlan(_ host: HostCapacity = host(2, total: 8000, available: 6000, reason: "TCG was asked for", pace: 1.8)) throws
        -> LabPlan
    {
        try LabPlan.make(scenario: "pair", topology: pair, images: images, host: host, seed: 7)
    }

    /// Runs `body` with a folder that has these files, and is gone afterwards.
    static func withTree<Result>(_ files: [String: String], _ body: (String) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vmlab-test-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (path, text) in files {
            let file = URL(filePath: folder + path)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try await body(folder)
    }
}
