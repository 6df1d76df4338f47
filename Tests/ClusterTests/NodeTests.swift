import BuildRegistry
import Foundation
import GuestShell
import LabEvents
import NetworkProfiles
import QEMU
import Testing
import VMLab

/// The life of nodes, in this process.
@Suite("Nodes of a lab", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct NodeTests {
    /// Runs a lab of nodes on one switch.
    private func withNodes<Result: Sendable>(
        _ nodes: [(name: String, image: String)], _ body: @escaping @Sendable (Lab) async throws -> Result,
        after: (RunDirectory) throws -> Void = { _ in }
    ) async throws -> Result {
        try await TestLab.with("nodes") { _ throws(Problem) in
            guard let prefix = IPPrefix("192.168.1.0/24") else { return Topology(nodes: []) }
            let network = try NetworkProfile.flat(nodes: nodes.map(\.name), network: prefix).plan(lab: "nodes")
            return Topology(network) { member in
                .init(name: member.name, image: nodes.first { $0.name == member.name }?.image ?? "")
            }
        } _: {
            try await body($0)
        } after: {
            try after($0)
        }
    }

    @Test("off, on, restarted, cut, paused: the disk stays, and each boot has its own console log")
    func life() async throws {
        try await withNodes([("a", "mini")]) { lab in
            let node = try lab.node("a")
            #expect(node.state == .off)
            try await lab.boot()
            #expect(node.state == .ready && node.boot == 1)
            let first = try await node.bootIdentifier()
            try await node.run("echo kept >/data/mark && sync")

            try await node.reboot()
            #expect(try await node.bootIdentifier() != first && node.boot == 2)

            try await node.shutdown()
            #expect(node.state == .off)
            await #expect(throws: Problem.self) { try await node.run("true") }
            try await node.shutdown()

            try await node.start()
            try await node.start()
            try await node.waitForShell()
            #expect(node.boot == 3)
            #expect(try await node.run("cat /data/mark").stdout.trimmed == "kept")

            try await node.pause()
            #expect(node.state == .paused)
            await #expect(throws: (any Error).self) { try await node.run("true", timeout: .seconds(20)) }
            try await node.resume()
            #expect(try await node.run("echo on").stdout.trimmed == "on")

            try await node.powerCut()
            #expect(node.state == .off)
            try await node.start()
            try await node.waitForShell()
            #expect(node.boot == 4)
        } after: { run in
            for boot in 1...4 {
                let log = try String(contentsOfFile: run.node("a") + "/serial-\(boot).log", encoding: .utf8)
                #expect(log.components(separatedBy: "Linux version").count == 2, "boot \(boot)")
            }
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: run.node("a") + "/serial.log") == "serial-4.log")
            #expect(!FileManager.default.fileExists(atPath: run.node("a") + "/disk0.qcow2"))
        }
    }

    @Test("Nodes of different images in one lab reach each other")
    func mixed() async throws {
        try await withNodes([("small", "mini"), ("big", "debian")]) { lab in
            try await lab.boot()
            try await lab.configureNetwork()
            #expect(try await lab.node("big").run("systemctl is-system-running || true; cat /etc/debian_version").succeeded)
            try await lab.node("small").run("ping -c 1 -W 10 192.168.1.2")
            try await lab.node("big").run("exec 3<>/dev/tcp/192.168.1.1/1 || true")
        }
    }

    @Test("A wait that is in vain names its budget, what was waited for and what was seen; a lost machine ends it at once")
    func waits() async throws {
        try await withNodes([("a", "mini")]) { lab in
            let node = try lab.node("a")
            try await node.start()
            let problem = await #expect(throws: Problem.self) { try await node.waitForShell(Budget("test", .milliseconds(300))) }
            #expect(problem?.what == "budget 'test' is used up: a: the guest obeys")
            #expect(problem?.why?.contains("a is booting (boot 1)") == true)

            let pid = try node.machine().guest.process.pid
            async let wait: Void = node.waitForShell(Budget("test", .seconds(3600)))
            kill(pid, SIGKILL)
            var loss: Problem?
            do { try await wait } catch { loss = error as? Problem }
            #expect(loss?.what.contains("signal 9") == true)
            #expect(node.state == .lost)
            let cause = await #expect(throws: Problem.self) { try await lab.guarded { try await Task.sleep(for: .seconds(3600)) } }
            #expect(cause?.what.contains("a is gone") == true)
        }
    }
}
