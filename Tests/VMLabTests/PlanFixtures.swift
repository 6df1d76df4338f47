import BuildRegistry
import Foundation
import NetworkProfiles
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
        let names = (1...count).map { "server-\($0)" }
        let network = IPPrefix("192.168.1.0/24").flatMap { try? NetworkProfile.flat(nodes: names, network: $0).plan(lab: "nodes") }
        return Topology(nodes: names.map { .init(name: $0, image: image, memoryMiB: memory, vcpus: vcpus) }, network: network)
    }

    /// The network of the golden plan: the second node has a card on each of two switches.
    static let pairNetwork = NetworkProfile(
        name: "pair", summary: "Two nodes.", networks: [.init(name: "lan", ipv4: IPPrefix("192.168.1.0/24"))],
        segments: ["lan", "storage"],
        interfaces: .init(nics: [.init(name: "eth1", segment: "lan", addressing: .host(network: "lan"))]),
        roles: [.init(name: "node", hosts: 1...2, names: ["a", "b"])],
        overrides: [
            .init(
                node: "b",
                interfaces: .init(nics: [
                    .init(name: "eth1", segment: "lan", addressing: .host(network: "lan")), .init(name: "eth2", segment: "storage"),
                ]))
        ])

    /// The lab of the golden plan: one node boots directly, the other with UEFI and two interfaces.
    static func pair(_ change: (inout NetworkProfile) -> Void = { _ in }) throws -> Topology {
        var profile = pairNetwork
        change(&profile)
        return Topology(try profile.plan(lab: "pair")) { node in
            .init(name: node.name, image: "mini", memoryMiB: 128, bootMode: node.name == "b" ? .uefi : nil)
        }
    }

    static func pairPlan(_ host: HostCapacity = host(2, total: 8000, available: 6000, reason: "TCG was asked for", pace: 1.8)) throws
        -> LabPlan
    {
        try LabPlan.make(scenario: "pair", topology: pair(), images: images, host: host, seed: 7)
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
