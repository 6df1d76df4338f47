import BuildRegistry
import Foundation
import GuestShell
import LabEvents
import QEMU
import Testing
import VDE

/// A guest with two network cards on a link aggregation, and a host port at the same switch.
struct BondedGuest {
    var lag: LinkAggregation
    var peer: HostPort
    var guest: Guest
    var shell: GuestShell

    static let system = "02:00:00:00:00:aa"

    /// Boots it and leaves nothing behind.
    static func boot(_ rate: LACPRate, _ body: (BondedGuest) async throws -> Void) async throws {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let folder = base + "/lag-" + String(UUID().uuidString.prefix(8)).lowercased()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let configuration = try await configuration(folder)
        let endpoints = GuestEndpoints(
            backdoor: folder + "/hvc0.sock",
            ports: Dictionary(uniqueKeysWithValues: configuration.channels.dropFirst().map { ($0.name, $0.socketPath) }))
        let system = try #require(MACAddress(system))
        let switchConfiguration = SwitchConfiguration(name: "lan", socketFolder: folder + "/s", managementSocket: folder + "/m", ports: 8)
        let legs = (0..<2).map { LinkEnd.guest(local: "\(folder)/l\($0)", remote: "\(folder)/g\($0)") }
        try await withVDESwitch(switchConfiguration, options: SwitchOptions(log: folder + "/switch.log")) { vdeSwitch in
            try await withLinkAggregation("lag", legs: legs, port: .segment(folder + "/s", port: 1), system: system, rate: rate) { lag in
                try await vdeSwitch.withHostPort(2) { peer in
                    try await withQEMU(configuration, options: QEMUOptions(log: folder + "/stderr.log")) { guest in
                        var options = GuestShellOptions()
                        options.readyTimeout = GuestFixture.readyTimeout
                        try await withGuestShell(node: "node", endpoints: endpoints, options: options) { shell in
                            try await guest.resume()
                            try await body(BondedGuest(lag: lag, peer: peer, guest: guest, shell: shell))
                        }
                    }
                }
            }
        }
    }

    private static func configuration(_ folder: String) async throws -> QEMUConfiguration {
        let image = try await GuestFixture.image("mini")
        let kernel = DirectKernel(kernel: try #require(image.kernel), initrd: image.initrd, commandLine: image.commandLine)
        let cards = (0..<2).map { leg in
            NetworkInterface(
                address: MACAddress(lab: "bonded", node: "node", interface: "eth\(leg)"),
                backend: .datagram(local: "\(folder)/g\(leg)", remote: "\(folder)/l\(leg)"), link: .init(megabits: 1000))
        }
        return QEMUConfiguration(
            name: "bonded", uuid: UUID(), generation: UUID(), accelerator: try await GuestFixture.accelerator().accelerator,
            memory: .init(mebibytes: image.defaultMemoryMiB, path: folder + "/ram"), kernel: kernel, networkInterfaces: cards,
            serial: SerialConsole(socketPrefix: folder + "/ttyS0", logPrefix: folder + "/ttyS0"),
            channels: [GuestChannel(kind: .console, name: "hvc0", socketPath: folder + "/hvc0.sock")]
                + PortNames.all.map { GuestChannel(kind: .port, name: $0, socketPath: "\(folder)/\($0).sock") },
            monitorSocket: folder + "/qmp.sock")
    }

    /// Makes a bond of both cards, as Linux documents it (Documentation/networking/bonding.rst), and waits until both sides use both legs.
    func makeBond(_ rate: LACPRate) async throws {
        let made = try await shell.execute(
            """
            set -e
            echo +bond0 >/sys/class/net/bonding_masters
            cd /sys/class/net/bond0/bonding
            echo 802.3ad >mode; echo 100 >miimon; echo \(rate.rawValue) >lacp_rate; echo layer3+4 >xmit_hash_policy
            for leg in eth0 eth1; do ip link set $leg down; echo +$leg >slaves; done
            ip link set bond0 up
            ip addr add 10.9.0.1/24 dev bond0
            """)
        try #require(made.succeeded, "\(made.stderr.text)")
        try await waitUntilUp()
    }

    func waitUntilUp() async throws {
        try await wait { $0.isUp }
    }

    /// Waits until the link aggregation is as a condition says.
    func wait(_ condition: @escaping @Sendable (LinkAggregationStatus) -> Bool) async throws {
        let lag = lag
        // A hang is bounded; nothing is measured.
        let isReached = await withDeadline(.seconds(120)) {
            if condition(lag.status) { return true }
            for await _ in lag.changes where condition(lag.status) { return true }
            return condition(lag.status)
        }
        try #require(isReached == true, "\(lag.status)")
    }

    /// The next frame that reaches the host port; nil when none does in a minute.
    func nextFrame() async throws -> EthernetFrame? {
        let frames = peer.frames
        return await withDeadline(.seconds(60)) {
            do { for try await frame in frames { return frame } } catch {}
            return nil
        }
    }

    /// What the bonding driver says of the bond.
    func driverReport() async throws -> BondReport { BondReport(try await shell.execute("cat /proc/net/bonding/bond0").output) }

    /// The same once both ends of every leg say a state: the guest learns of the partner's last step from its next LACPDU, up to a second (30 if slow) later.
    func driverReport(states: String) async throws -> BondReport {
        for _ in 0..<300 {
            let report = try await driverReport()
            if report.states.allSatisfy({ $0 == states }) { return report }
            _ = try await shell.execute("sleep 0.2")
        }
        return try await driverReport()
    }

    /// How many datagrams have reached the guest's IP for which it has no taker.
    func strayDatagrams() async throws -> Int {
        let words = try await shell.execute("grep '^Udp:' /proc/net/snmp").output.split(separator: "\n").map { $0.split(separator: " ") }
        let column = try #require(words.first?.firstIndex(of: "NoPorts"))
        return try #require(Int(words[1][column]))
    }

    /// A datagram from a port of its own to the guest, with the checksum that a guest wants.
    func datagram(from port: Int, to target: MACAddress) -> EthernetFrame {
        var header: [UInt8] = [0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1]
        var sum = stride(from: 0, to: 20, by: 2).reduce(0) { $0 + Int(header[$1]) << 8 + Int(header[$1 + 1]) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        (header[10], header[11]) = (UInt8(~sum >> 8 & 0xFF), UInt8(~sum & 0xFF))
        let datagram = [UInt8(port >> 8), UInt8(port & 0xFF), 0x75, 0x30, 0, 16, 0, 0] + [UInt8](repeating: 7, count: 8)
        return EthernetFrame(destination: target, source: Self.peerAddress, ethertype: 0x0800, payload: header + datagram)
    }

    static let peerAddress = MACAddress(lab: "bonded", node: "peer", interface: "eth0")
}

/// What /proc/net/bonding/BOND says, as far as the tests look at it.
struct BondReport {
    var partner: String?
    var ports: Int?
    /// The aggregator's number of each leg.
    var aggregators: [String]
    /// The state of each leg, the guest's own and its partner's by turns.
    var states: [String]
    var churn: [String]
    var text: String

    init(_ text: String) {
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "\t" } }
        func values(_ key: String) -> [String] {
            lines.filter { $0.hasPrefix(key + ":") }.map { String($0.dropFirst(key.count + 1).drop { $0 == " " }) }
        }
        partner = values("Partner Mac Address").first
        ports = values("Number of ports").first.flatMap { Int($0) }
        // The first one is that of the bond.
        aggregators = Array(values("Aggregator ID").suffix(lines.count { $0.hasPrefix("Slave Interface:") }))
        states = values("port state")
        churn = values("Actor Churn State") + values("Partner Churn State")
        self.text = text
    }
}
