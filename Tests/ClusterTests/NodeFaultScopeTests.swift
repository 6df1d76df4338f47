import Foundation
import GuestShell
import LabEvents
import QEMU
import Testing
import VMLab

/// Faults of a node with systemd and a disk: that each takes effect, and is healed whatever happens to the scope and to the guest.
@Suite("Faults of a node in scopes", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct NodeFaultScopeTests {
    private struct Case {
        var fault: NodeFault
        /// Succeeds in the guest while the fault is open; nil where it cannot be asked.
        var during: String?
        /// Succeeds in the guest once it is healed.
        var after: String = "true"
        /// systemd reads its units anew for it, which takes many seconds without KVM: its scope is left in one way only.
        var isSlow = false
    }

    private static let service = "vmlab-test.service"
    private static let isActive = "systemctl is-active -q \(service)"
    /// It has failed for good, or is about to be tried again.
    private static let fails = "systemctl is-failed -q \(service) || [ $(systemctl show -p NRestarts --value \(service)) -gt 0 ]"
    private static let state = "[ $(cut -d' ' -f3 /proc/$(systemctl show -p MainPID --value \(service))/stat)"
    private static let read = "dd if=/dev/vda of=/dev/null bs=4096 count=1 iflag=direct"
    private static let cases = [
        Case(fault: .unitStartFailure(unit: service), during: fails, after: isActive, isSlow: true),
        Case(fault: .processKill(service, every: 0.3), during: "true", after: isActive),
        Case(fault: .processFreeze(service), during: "\(state) = T ]", after: "\(state) != T ] && \(isActive)"),
        Case(
            fault: .diskFull(folder: "/var/lib", leavingBytes: 4 << 20),
            during: "fallocate -l 1000000 /var/tmp/y && rm /var/tmp/y && ! fallocate -l 8000000 /var/tmp/x",
            after: "fallocate -l 8000000 /var/tmp/x && rm /var/tmp/x && ! ls /var/lib/.vmlab*"),
        Case(fault: .diskFull(folder: "/", leavingBytes: 0), during: "! { head -c 100000 /dev/zero >/var/tmp/x && sync /var/tmp/x; }"),
        Case(fault: .slowDisk(DiskLimit(operationsPerSecond: 4)), during: read),
        Case(fault: .slowDisk(DiskLimit(bytesPerSecond: 100_000)), during: read),
        Case(fault: .diskErrors(.reads), during: "! \(read)", after: read),
        Case(fault: .memoryPressure(leavingMiB: 100)),
        Case(fault: .clockJump(seconds: -7200), during: "[ $(date +%s) -lt NOW ]", after: "[ $(date +%s) -ge NOW ]"),
        Case(fault: .cpuStarvation(share: 0.3)),
        Case(fault: .freeze),
    ]

    @Test("Normal end, an error and a cancellation heal each fault; each is seen in the guest")
    func scopes() async throws {
        try await Self.withLab { lab, node in
            for one in Self.cases.sampled(3) {
                let fault = Fault.node("node", one.fault)
                let now = "\(Int(Date().timeIntervalSince1970) - 10)"
                func ask(_ command: String?) async throws {
                    guard let command else { return }
                    let result = try await node.execute(command.replacing("NOW", with: now), timeout: .seconds(60))
                    #expect(result.succeeded, "\(fault): \(command): \(result)")
                }
                let begin = ContinuousClock.now
                let open = try await lab.inject(fault)
                let seconds = (ContinuousClock.now - begin).seconds
                try await ask(one.during)
                let healing = ContinuousClock.now
                try await lab.heal(open.id)
                print(
                    "\(fault): effect \(seconds.rounded(to: 2)) s (\(open.proof)), heal \((ContinuousClock.now - healing).seconds.rounded(to: 2)) s"
                )
                try await ask(one.after)

                if one.isSlow { continue }
                try await ScopedFault.fail(lab, fault)
                #expect(lab.openFaults.isEmpty)
                try await ScopedFault.cancel(lab, fault)
                #expect(lab.openFaults.isEmpty)
                try await ask(one.after)
            }
        } after: { ledger in
            let failed = ledger.filter { $0.state == .failed }
            #expect(failed.isEmpty, "\(failed)")
            #expect(Dictionary(grouping: ledger, by: \.id).values.allSatisfy { $0.last?.state == .healed })
        }
    }

    @Test("A file system that gave up on errors, and a unit that fails across a power cut: both are whole again")
    func boots() async throws {
        try await Self.withLab { lab, node in
            try await lab.withFault(.node("node", .diskErrors(.writes))) {
                try await node.execute("echo x >/var/tmp/x; sync", timeout: .seconds(60))
                for _ in 1...20 where try await node.execute(": >/var/tmp/y").succeeded {
                    try await node.execute("echo x >>/var/tmp/x$RANDOM; sync; sleep 1", timeout: .seconds(60))
                }
            }
            #expect(node.boot == 2)
            try await node.run("echo x >/var/tmp/x && sync")
            try await node.run(Self.until(Self.isActive))

            try await lab.inject(.node("node", .unitStartFailure(unit: Self.service)))
            try await lab.withFault(.node("node", .powerCut)) {}
            try await node.run(Self.until(Self.fails))
            try await lab.heal()
            try await node.run(Self.isActive)
        } after: { ledger in
            Self.expect(["started anew", "has booted anew"], ledger)
        }
    }

    @Test("A guest that is off or dead when its fault is healed: what is on its disk is removed, or its end is said")
    func ends() async throws {
        try await Self.withLab("mini") { lab, node in
            let fill = Fault.node("node", .diskFull(folder: "/data", leavingBytes: 1 << 20))
            let full = try await lab.inject(fill)
            try await lab.inject(.node("node", .memoryPressure(leavingMiB: 60)))
            let cut = try await lab.inject(.node("node", .powerCut))
            let refused = await #expect(throws: Problem.self) { try await lab.heal(full.id) }
            #expect(refused?.why?.contains("its power is cut by fault \(cut.id)") == true, "\(refused.map(\.description) ?? "")")
            try await lab.heal()
            #expect(lab.openFaults.isEmpty && node.state == .ready)
            try await node.run("! ls /data/.vmlab* && ! grep -q /run/vmlab/memory /proc/mounts")

            let again = try await lab.inject(fill)
            let memory = try await lab.inject(.node("node", .memoryPressure(leavingMiB: 60)))
            try await node.shutdown()
            try await lab.heal(memory.id)
            try await lab.heal(again.id)
            #expect(node.state == .off)
            try await node.start()
            try await node.waitForShell()
            try await node.run("! ls /data/.vmlab*")

            try await lab.inject(fill)
            let clock = try await lab.inject(.node("node", .clockJump(seconds: 600)))
            _ = try? await node.execute("echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger", timeout: .seconds(30))
            for await change in node.changes where change.state == .panicked { break }
            try await lab.heal(clock.id)
            let dead = await #expect(throws: Problem.self) { try await lab.heal() }
            #expect(dead?.what.contains("dead for good") == true, "\(dead.map(\.description) ?? "")")
        } after: { ledger in
            Self.expect(["has booted anew", "is off: what was done in its memory is gone with it", "off again", "dead for good"], ledger)
            #expect(ledger.last?.state == .ended)
        }
    }

    /// A guest obeys before systemd has started all.
    private static func until(_ command: String) -> String { "until \(command); do sleep 0.2; done" }

    private static func expect(_ words: [String], _ ledger: [FaultRecord]) {
        let details = ledger.filter { $0.state == .healed }.compactMap(\.detail)
        for said in words { #expect(details.contains { $0.contains(said) }, "\(said): \(details)") }
    }

    private static let unit = """
        cat >/etc/systemd/system/\(service) <<'END'
        [Service]
        Type=exec
        ExecStart=/bin/sleep infinity
        Restart=always
        RestartSec=100ms
        [Install]
        WantedBy=multi-user.target
        END
        systemctl enable --now \(service)
        # A fault may take what is not on the disk yet.
        sync
        """

    /// A lab of one guest; a Debian one has a service that systemd starts again when it dies.
    private static func withLab(
        _ name: String = "debian", _ body: @escaping @Sendable (Lab, Node) async throws -> Void, after: ([FaultRecord]) throws -> Void
    ) async throws {
        try await TestLab.single(name) { lab in
            let node = try lab.node("node")
            try await lab.boot()
            if name == "debian" { try await node.run(unit) }
            try await body(lab, node)
        } after: { run in
            try after(try ScopedFault.ledger(run.path))
        }
    }
}
