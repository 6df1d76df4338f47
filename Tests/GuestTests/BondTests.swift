import GuestShell
import LabEvents
import QEMU
import Testing
import VDE

/// A real Linux 802.3ad bond whose partner is a link aggregation.
@Suite("802.3ad bonds", .tier(.guest), .serialized, .timeLimit(.minutes(20)))
struct BondTests {
    @Test("Linux shows the partner, one aggregator and both legs in use, fast and slow", arguments: LACPRate.allCases)
    func partner(_ rate: LACPRate) async throws {
        try await BondedGuest.boot(rate) { node in
            _ = try await node.shell.execute("true")
            let begin = ContinuousClock.now
            try await node.makeBond(rate)
            let time = ContinuousClock.now - begin
            let state = rate == .fast ? "63" : "61"
            let report = try await node.driverReport(states: state)
            #expect(report.partner == BondedGuest.system, "\(report.text)")
            #expect(report.ports == 2 && Set(report.aggregators).count == 1 && report.aggregators.count == 2, "\(report.text)")
            #expect(report.states == [state, state, state, state], "\(report.text)")
            for leg in node.lag.status.legs {
                #expect(String(leg.port.actor.state.rawValue) == state && String(leg.port.partner.state.rawValue) == state)
                #expect(leg.counters.slowIgnored == 0)
            }
            print("802.3ad \(rate.rawValue): up \(time) after it was made; partner \(report.partner ?? "none"), states \(report.states)")
            try await addressIsUnique(node)
            try await broadcasts(node)
        }
    }

    /// IPv6 duplicate address detection passes: nobody, and so not the guest itself either, is heard with its address.
    private func addressIsUnique(_ node: BondedGuest) async throws {
        let flags = try await node.shell.execute(
            """
            flags() { while read -r a b c d flags name; do [ "$name" != bond0 ] || echo "$flags"; done </proc/net/if_inet6; }
            while [ -z "$(flags)" ] || [ $((0x$(flags) & 0x40)) -ne 0 ]; do sleep 0.1; done
            flags
            """, timeout: .seconds(60))
        // 0x80 is permanent; 0x40 would be tentative, 0x08 a duplicate.
        #expect(flags.output == "80", "\(flags)")
    }

    /// Of a thousand broadcasts of the guest's all reach the switch, and none comes back.
    private func broadcasts(_ node: BondedGuest) async throws {
        let before = node.lag.status.legs.map(\.counters)
        let sent = try await node.shell.execute(
            """
            set -e; arp -i bond0 -s 10.9.0.3 ff:ff:ff:ff:ff:ff
            i=0; while [ $i -lt 1000 ]; do echo x >/dev/udp/10.9.0.3/$((20000 + i)); i=$((i + 1)); done
            """, timeout: .seconds(120))
        try #require(sent.succeeded, "\(sent)")
        var count = 0
        while count < 1000, let frame = try await node.nextFrame() {
            if frame.ethertype == 0x0800, frame.destination == EthernetFrame.broadcast, frame.payload[9] == 17 { count += 1 }
        }
        let after = node.lag.status.legs.map(\.counters)
        #expect(count == 1000)
        #expect(after.map(\.toGuest) == before.map(\.toGuest), "a frame came back")
        let legs = zip(after, before).map { $0.toSwitch.frames - $1.toSwitch.frames }
        #expect(legs.reduce(0, +) >= 1000 && legs.allSatisfy { $0 > 0 })
        print("802.3ad: 1000 broadcasts from the guest, \(legs) by leg, 0 came back")
    }

    @Test("Flows to a guest use both legs, go on when one is cut, and come back")
    func failover() async throws {
        try await BondedGuest.boot(.fast) { node in
            try await node.makeBond(.fast)
            try await flows(node, legs: [0, 1])
            for leg in 0..<2 {
                let device = NetworkInterface.deviceIdentifier(leg)
                try node.lag.setCarrier(leg, false)
                _ = try await node.guest.monitor.execute(QMP.SetLink(device: device, isUp: false))
                try await flows(node, legs: [1 - leg])
                _ = try await node.guest.monitor.execute(QMP.SetLink(device: device, isUp: true))
                try node.lag.setCarrier(leg, true)
                try await node.waitUntilUp()
                try await flows(node, legs: [0, 1])
            }
            let report = try await node.driverReport(states: "63")
            #expect(report.ports == 2 && report.states == ["63", "63", "63", "63"], "\(report.text)")
        }
    }

    @Test("A guest that sends without pause loses little when a leg is cut, and nothing later")
    func gap() async throws {
        try await BondedGuest.boot(.fast) { node in
            try await node.makeBond(.fast)
            let address = try await node.shell.execute("set -e; arp -i bond0 -s 10.9.0.3 ff:ff:ff:ff:ff:ff")
            try #require(address.succeeded)
            async let sending = node.shell.execute(
                "i=0; while [ $i -lt 4000 ]; do echo x >/dev/udp/10.9.0.3/$((20000 + i)); i=$((i + 1)); done", timeout: .seconds(120))
            var (seen, last, longest): (Set<Int>, ContinuousClock.Instant?, Duration) = ([], nil, .zero)
            while !seen.contains(3999), let frame = try await node.nextFrame() {
                guard frame.ethertype == 0x0800, frame.destination == EthernetFrame.broadcast, frame.payload[9] == 17 else { continue }
                let now = ContinuousClock.now
                if let last { longest = max(longest, now - last) }
                last = now
                seen.insert((Int(frame.payload[22]) << 8 | Int(frame.payload[23])) - 20000)
                guard seen.count == 1000 else { continue }
                try node.lag.setCarrier(0, false)
                _ = try await node.guest.monitor.execute(QMP.SetLink(device: NetworkInterface.deviceIdentifier(0), isUp: false))
            }
            #expect(try await sending.succeeded)
            #expect(seen.count { $0 >= 3000 } == 1000)
            print("802.3ad: leg cut while the guest sends: \(4000 - seen.count) of 4000 lost, longest gap \(longest)")
        }
    }

    /// Sends a hundred flows to the guest, which counts them.
    private func flows(_ node: BondedGuest, legs: Set<Int>) async throws {
        let address = try #require(MACAddress(try await node.shell.execute("cat /sys/class/net/bond0/address").output))
        let (before, counters) = (try await node.strayDatagrams(), node.lag.status.legs.map(\.counters.toGuest.frames))
        for port in 10000..<10100 { try await node.peer.send(node.datagram(from: port, to: address)) }
        let arrived = try await node.shell.execute(
            """
            want=\(before + 100)
            while read -r a b stray rest <<<"$(grep '^Udp: [0-9]' /proc/net/snmp)"; [ "$stray" -lt $want ]; do sleep 0.05; done
            """, timeout: .seconds(60))
        #expect(arrived.succeeded, "\(arrived)")
        let used = zip(node.lag.status.legs.map(\.counters.toGuest.frames), counters).map { $0 - $1 }
        #expect(Set(used.indices.filter { used[$0] > 0 }) == legs, "\(used)")
        print("802.3ad: 100 flows to the guest, \(used) by leg")
    }
}
