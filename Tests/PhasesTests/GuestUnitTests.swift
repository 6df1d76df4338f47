import GuestShell
import LabEvents
import Testing
import VMLab

@testable import Phases

/// Waits for units and the journal, in a guest with systemd; one boot.
@Suite("Waits for units and the journal", .tier(.guest), .serialized, .timeLimit(.minutes(8)))
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
            let secure = await GuestLab.problem { try await node.waitForHTTP("https://127.0.0.1:9/", Budget("test", .seconds(2))) }
            #expect(secure.why?.contains("last answer: no: ") == true)
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
