import GuestShell
import LabEvents
import Testing
import VMLab

@testable import Phases

/// Waits for units and the journal, in a guest with systemd; one boot.
@Suite("Waits for units and the journal", .tier(.guest), .serialized, .timeLimit(.minutes(20)))
struct GuestUnitTests {
    private static let long = Budget("long", .seconds(600))

    @Test("Units that come, that can no longer come, and that are on their way; messages from before and after")
    func systemd() async throws {
        try await GuestLab.boot("debian") { node in
            try await node.succeed(Self.units)
            let active = try await node.waitForUnit("dbus.service", Self.long)
            #expect(active.observation?.hasPrefix("active (running)") == true)
            #expect(
                try await node.unitProperties("dbus.service", ["ActiveState", "LoadState"]) == [
                    "ActiveState": "active", "LoadState": "loaded",
                ])
            #expect(try await node.unitProperties("nothing.service")["LoadState"] == "not-found")

            let slow = try await node.waitForUnit("slow.service", Self.long)
            #expect(slow.tries > 1)

            let failed = await GuestLab.problem { try await node.waitForUnit("bad.service", Self.long, file: "F", line: 2) }
            #expect(failed.what == "can no longer come: node: unit bad.service is active" && failed.location == "F:2")
            #expect(failed.why?.contains("failed (failed), result exit-code") == true)
            #expect(failed.why?.contains("the unit's log ends:\n") == true && failed.why?.contains("  these are my last words\n") == true)
            let missing = await GuestLab.problem { try await node.waitForUnit("nothing.service", Self.long) }
            #expect(missing.why?.contains("it is not-found") == true)
            let masked = await GuestLab.problem { try await node.waitForUnit("getty@tty1.service", Self.long) }
            #expect(masked.why?.contains("it is masked") == true)
            let restarting = await GuestLab.problem { try await node.waitForUnit("again.service", Budget("test", .seconds(3))) }
            #expect(restarting.what == "budget 'test' is used up: node: unit again.service is active")
            #expect(restarting.why?.contains("activating (") == true)

            #expect(
                try await node.waitForJournal("my last w.rds", unit: "bad.service", Self.long).observation == "'these are my last words'")
            async let later = node.waitForJournal("^the answer is 4[0-9]$", Self.long)
            try await node.succeed("echo '<6>the answer is 42' >/dev/kmsg; logger -t x 'the answer is 42'")
            #expect(try await later.tries > 1)
            let silent = await GuestLab.problem {
                try await node.waitForJournal("my last w.rds", unit: "slow.service", Budget("test", .seconds(3)))
            }
            #expect(silent.what == "budget 'test' is used up: node: the journal of slow.service says /my last w.rds/")
            let secure = await GuestLab.problem { try await node.waitForHTTP("https://127.0.0.1:9/", Budget("test", .seconds(8))) }
            #expect(secure.why?.contains("last answer: no: ") == true)
        }
    }

    @Test("A pinned neighbour entry is replaced by what the peer itself says")
    func neighbours() async throws {
        try await GuestLab.boot("debian") { node in
            let server =
                "perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0);bind(S,sockaddr_in(7001,INADDR_ANY))||die $!;listen(S,9);while(accept(C,S)){close C}'"
            try await node.succeed(
                """
                ip netns add peer && ip link add v0 type veth peer name v1 netns peer
                ip addr add 10.9.9.1/24 dev v0 && ip link set v0 up
                ip -n peer addr add 10.9.9.2/24 dev v1 && ip -n peer link set v1 up
                ip neigh replace 10.9.9.2 lladdr ff:ff:ff:ff:ff:ff dev v0 nud permanent
                ip netns exec peer \(server) >/dev/null 2>&1 </dev/null &
                """)
            let report = try await node.preWarmTCP(to: "10.9.9.2", port: 7001, isRequired: true)
            #expect(report.neighbourBefore?.contains("ff:ff:ff:ff:ff:ff PERMANENT") == true && report.isWarm)
            let after = try await node.succeed("ip neigh show dev v0").stdout.trimmed
            #expect(after.hasPrefix("10.9.9.2 lladdr ") && !after.contains("ff:ff:ff:ff:ff:ff"), "\(after)")
        }
    }

    private static let units = """
        cd /run/systemd/system 2>/dev/null || { mkdir -p /run/systemd/system && cd /run/systemd/system; }
        printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/sleep 4\\n' >slow.service
        printf '[Service]\\nExecStart=/bin/sh -c "echo these are my last words; exit 3"\\n' >bad.service
        printf '[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\nType=notify\\nRestart=always\\nRestartSec=300ms\\nExecStart=/bin/false\\n' >again.service
        systemctl daemon-reload
        systemctl start --no-block slow.service bad.service again.service
        until systemctl is-failed -q bad.service; do sleep 0.2; done
        """
}
