import GuestShell
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// An edge device is updated as a whole, and goes back when the update is no good.
    public static let updateAB = Scenario(
        "update-ab",
        intent:
            "A device with two root slots: a bundle is made and checked, written to the slot that is not in use, and booted once; a healthy one is kept, over "
            + "another reboot; one that is not healthy, and one that cannot boot, are left by going back to the slot before.",
        network: .any(otherwise: "device"), nodes: 1, image: "mini-ab", tags: ["update"], budgets: [Budget("scenario", .seconds(900))]
    ) {
        Phase.boot
        Phase("first boot") { lab in
            let device = SlottedNode(node: lab.clusterNodes[0])
            try await device.node.succeed("echo \(lab.plan.seed) >/data/kept")
            return try await device.expect("a", version: 1)
        }
        Phase("bundle") { lab in try await SlottedNode(node: lab.clusterNodes[0]).makeBundle(.bundle(2), version: 2).text }
        Phase("a damaged bundle") { lab in try await SlottedNode(node: lab.clusterNodes[0]).refuseDamaged(.bundle(2)) }
        Phase("apply") { lab in
            let device = SlottedNode(node: lab.clusterNodes[0])
            let slot = try await device.apply(try await device.bundle(.bundle(2)))
            return "written to slot \(slot), every file compared; running: \(try await device.expect("a", version: 1))"
        }
        Phase("boot switch") { lab in
            let device = SlottedNode(node: lab.clusterNodes[0])
            try await device.bootOnce("b")
            try await device.node.reboot()
            return try await device.expect("b", version: 2)
        }
        Phase("keep") { lab in
            let device = SlottedNode(node: lab.clusterNodes[0])
            guard try await device.keepOrGoBack() else { throw Problem(.failure, "version 2 does not call itself healthy") }
            try await device.node.reboot()
            let kept = try await device.node.succeed("cat /data/kept").stdout.trimmed
            guard kept == "\(lab.plan.seed)" else {
                throw Problem(.failure, "/data has another content after the update", why: "'\(kept)'")
            }
            return "after another reboot \(try await device.expect("b", version: 2)), and what was in /data"
        }
        Phase("rollback of an unhealthy update") { lab in
            let device = SlottedNode(node: lab.clusterNodes[0])
            let bundle = try await device.makeBundle(.bundle(3), version: 3, health: "echo 'no disk for etcd' >&2; exit 1")
            try await device.bootOnce(try await device.apply(bundle))
            try await device.node.reboot()
            let tried = try await device.expect("a", version: 3)
            guard try await !device.keepOrGoBack() else { throw Problem(.failure, "version 3 was kept, and it is not healthy") }
            return "\(tried) was not healthy: back to \(try await device.expect("b", version: 2))"
        }
        Phase("rollback of an update that cannot boot") { lab in
            let device = SlottedNode(node: lab.clusterNodes[0])
            let bundle = try await device.makeBundle(.bundle(4), version: 4, without: "/sbin/init")
            try await device.bootOnce(try await device.apply(bundle))
            let before = device.node.boot
            try await device.node.reboot()
            let boots = device.node.boot - before
            guard boots == 2 else { throw Problem(.failure, "slot a was not tried", why: "there were \(boots) boots, and not 2") }
            return "slot a could not be booted: back to \(try await device.expect("b", version: 2)) by boot \(device.node.boot)"
        }
    }
}

extension String {
    /// Where a device keeps a bundle.
    static func bundle(_ version: Int) -> String { "/data/bundle-\(version).tar" }
}

extension SlottedNode {
    /// Changes one byte of a copy of a bundle, and makes sure that it is not applied.
    ///
    /// - Returns: what was said.
    func refuseDamaged(_ path: String) async throws -> String {
        var damaged = try await bundle(path)
        damaged.path = "/data/damaged.tar"
        try await node.succeed(
            """
            cp \(path) \(damaged.path)
            printf 'X' | dd of=\(damaged.path) bs=1 seek=\(damaged.bytes / 2) conv=notrunc 2>/dev/null
            cmp -s \(path) \(damaged.path) && printf 'Y' | dd of=\(damaged.path) bs=1 seek=\(damaged.bytes / 2) conv=notrunc 2>/dev/null
            :
            """)
        do {
            _ = try await apply(damaged)
        } catch let problem as Problem where problem.what.contains(Self.refusal) {
            try await node.succeed("rm \(damaged.path)")
            return problem.why ?? problem.what
        }
        throw Problem(.failure, "\(node.name) has applied a damaged bundle")
    }
}
