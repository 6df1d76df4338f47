import Foundation
import LabEvents
import QEMU
import Testing

@testable import VMLab

@Suite(.tier(.unit)) struct ResourcePlanTests {
    private func plan(_ topology: Topology, _ host: HostCapacity, wait: Bool = false) throws(Problem) -> ResourcePlan {
        try ResourcePlan.make(topology, images: PlanFixtures.images, host: host, options: PlanOptions(waitForMemory: wait))
    }

    /// Two servers ask for 4 vCPUs and 4096 MiB each today, three or four nodes for 2 and 3072. `tight` is more than 80 % of the memory.
    private static let table = """
        cores  GB  each node wants    2 nodes            3 nodes            4 nodes
        2      4   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        2      4   2 vCPUs, 3072 MiB  no-memory          no-memory          no-memory
        2      8   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        2      8   2 vCPUs, 3072 MiB  1+1 tight          no-memory          no-memory
        2      16  4 vCPUs, 4096 MiB  1+1                1+1+1 tight        no-memory
        2      16  2 vCPUs, 3072 MiB  1+1                1+1+1              1+1+1+1 tight
        2      32  4 vCPUs, 4096 MiB  1+1                1+1+1              1+1+1+1
        2      32  2 vCPUs, 3072 MiB  1+1                1+1+1              1+1+1+1
        4      4   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        4      4   2 vCPUs, 3072 MiB  no-memory          no-memory          no-memory
        4      8   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        4      8   2 vCPUs, 3072 MiB  2+2 tight          no-memory          no-memory
        4      16  4 vCPUs, 4096 MiB  2+2                2+1+1 tight        no-memory
        4      16  2 vCPUs, 3072 MiB  2+2                2+1+1              1+1+1+1 tight
        4      32  4 vCPUs, 4096 MiB  2+2                2+1+1              1+1+1+1
        4      32  2 vCPUs, 3072 MiB  2+2                2+1+1              1+1+1+1
        8      4   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        8      4   2 vCPUs, 3072 MiB  no-memory          no-memory          no-memory
        8      8   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        8      8   2 vCPUs, 3072 MiB  2+2 tight          no-memory          no-memory
        8      16  4 vCPUs, 4096 MiB  4+4                3+3+2 tight        no-memory
        8      16  2 vCPUs, 3072 MiB  2+2                2+2+2              2+2+2+2 tight
        8      32  4 vCPUs, 4096 MiB  4+4                3+3+2              2+2+2+2
        8      32  2 vCPUs, 3072 MiB  2+2                2+2+2              2+2+2+2
        20     4   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        20     4   2 vCPUs, 3072 MiB  no-memory          no-memory          no-memory
        20     8   4 vCPUs, 4096 MiB  no-memory          no-memory          no-memory
        20     8   2 vCPUs, 3072 MiB  2+2 tight          no-memory          no-memory
        20     16  4 vCPUs, 4096 MiB  4+4                4+4+4 tight        no-memory
        20     16  2 vCPUs, 3072 MiB  2+2                2+2+2              2+2+2+2 tight
        20     32  4 vCPUs, 4096 MiB  4+4                4+4+4              4+4+4+4
        20     32  2 vCPUs, 3072 MiB  2+2                2+2+2              2+2+2+2
        """

    @Test func `sizes of hosts and labs`() {
        var rows = ["cores  GB  each node wants    2 nodes            3 nodes            4 nodes"]
        func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
        for cores in [2, 4, 8, 20] {
            for gigabytes in [4, 8, 16, 32] {
                for (vcpus, memory) in [(4, 4096), (2, 3072)] {
                    let cells = (2...4).map { count -> String in
                        // An idle host has about seven eighths of its memory available.
                        let host = PlanFixtures.host(cores, total: gigabytes * 1024, available: gigabytes * 896)
                        do throws(Problem) {
                            let made = try plan(PlanFixtures.nodes(count, vcpus: vcpus, memory: memory), host)
                            let tight = made.warnings.contains { $0.subject == "memory" } ? " tight" : ""
                            return made.nodes.map { "\($0.vcpus)" }.joined(separator: "+") + tight
                        } catch {
                            return error.key?.rawValue ?? "?"
                        }
                    }
                    let row = pad("\(cores)", 7) + pad("\(gigabytes)", 4) + pad("\(vcpus) vCPUs, \(memory) MiB", 19)
                    rows.append(row + pad(cells[0], 19) + pad(cells[1], 19) + cells[2])
                }
            }
        }
        #expect(rows.joined(separator: "\n") == Self.table)
    }

    struct Summary: Sendable, CustomTestStringConvertible {
        var nodes: Int
        var vcpus: Int?
        var memory: Int?
        var host: HostCapacity
        var summary: String
        var testDescription: String { summary }
    }

    @Test(arguments: [
        Summary(
            nodes: 2, vcpus: 4, memory: 4096, host: PlanFixtures.github, summary: "2 nodes × (2 vCPU, 4096 MiB) on 4 CPUs, kvm, pace 1.0"),
        Summary(
            nodes: 3, vcpus: 2, memory: 3072, host: PlanFixtures.github,
            summary: "1 node × (2 vCPU, 3072 MiB) + 2 nodes × (1 vCPU, 3072 MiB) on 4 CPUs, kvm, pace 1.0"),
        Summary(
            nodes: 4, vcpus: 2, memory: 3072, host: PlanFixtures.github, summary: "4 nodes × (1 vCPU, 3072 MiB) on 4 CPUs, kvm, pace 1.0"),
        Summary(
            nodes: 2, memory: 128, host: PlanFixtures.host(2, pace: 1.84),
            summary: "2 nodes × (1 vCPU, 128 MiB) on 2 CPUs, tcg, pace 1.8"),
        Summary(nodes: 1, host: PlanFixtures.host(8, quota: 1.5), summary: "1 node × (1 vCPU, 256 MiB) on 1 CPU, tcg, pace 1.0"),
    ]) func `a plan is summed up in one line`(_ expected: Summary) throws {
        #expect(
            try plan(PlanFixtures.nodes(expected.nodes, vcpus: expected.vcpus, memory: expected.memory), expected.host).summary
                == expected.summary)
    }

    struct Shares: Sendable {
        var cpus: Int
        var wishes: [Int]
        var granted: [Int]
    }

    @Test(arguments: [
        Shares(cpus: 4, wishes: [2, 2, 2], granted: [2, 1, 1]),
        Shares(cpus: 5, wishes: [4, 4], granted: [3, 2]),
        Shares(cpus: 4, wishes: [1, 4], granted: [1, 3]),
        Shares(cpus: 4, wishes: [4, 1], granted: [3, 1]),
        Shares(cpus: 6, wishes: [4, 1, 4], granted: [3, 1, 2]),
        Shares(cpus: 20, wishes: [4, 4], granted: [4, 4]),
        Shares(cpus: 2, wishes: [4, 4, 4], granted: [1, 1, 1]),
    ]) func `what is left goes to nodes in order`(_ shares: Shares) {
        #expect(ResourcePlan.share(shares.cpus, among: shares.wishes) == shares.granted)
    }

    @Test func `random labs: no more vCPUs than CPUs, one at least, no more than wanted, always the same`() throws {
        var random = SplitMix(state: 42)
        for _ in 0..<500 {
            let count = Int.random(in: 1...64, using: &random)
            let cpus = Int.random(in: 1...80, using: &random)
            var topology = PlanFixtures.nodes(count, memory: 128)
            for index in topology.nodes.indices {
                topology.nodes[index].vcpus = Bool.random(using: &random) ? nil : .random(in: 1...255, using: &random)
            }
            let quota = Bool.random(using: &random) ? nil : Optional(Double.random(in: 0.1...90, using: &random))
            let host = PlanFixtures.host(cpus, quota: quota)
            let made = try plan(topology, host)
            let vcpus = made.nodes.map(\.vcpus)
            #expect(vcpus.reduce(0, +) <= max(host.usableCPUs, count))
            #expect(vcpus.allSatisfy { $0 >= 1 })
            let wanted = topology.nodes.map { $0.vcpus ?? 1 }
            #expect(zip(vcpus, wanted).allSatisfy { $0 <= $1 })
            // Nothing is left over while somebody wants more.
            #expect(vcpus == wanted || vcpus.reduce(0, +) >= host.usableCPUs)
            #expect(made.nodes.map(\.node) == topology.nodes.map(\.name))
            #expect(try plan(topology, host) == made)
        }
    }

    @Test func `a wish that is cut down says the numbers and why`() throws {
        let made = try plan(PlanFixtures.nodes(3, vcpus: 4, memory: 512), PlanFixtures.host(4))
        let decision = try #require(made.decisions.first { $0.subject == "vCPUs of server-2" })
        #expect(decision.value == "1")
        #expect(
            decision.reason
                == "4 asked for, but 3 nodes on 4 CPUs want 12 in all, and more vCPUs than CPUs make guests and etcd stall (FM-5)")
        #expect(made.warnings.map(\.subject) == ["vCPUs of server-1", "vCPUs of server-2", "vCPUs of server-3"])
        #expect(made.warnings.allSatisfy(made.decisions.contains))
        // What nobody asked for is cut down without a warning.
        var facts = PlanFixtures.mini
        facts.defaultVCPUs = 4
        let quiet = try ResourcePlan.make(PlanFixtures.nodes(3), images: ["mini": facts], host: PlanFixtures.host(4))
        #expect(quiet.warnings == [])
        #expect(quiet.decisions.contains { $0.subject == "vCPUs of server-1" && $0.reason.hasPrefix("image mini wants 4, but") })
    }

    @Test func `more nodes than processors are warned of by the factor`() throws {
        let made = try plan(PlanFixtures.nodes(5), PlanFixtures.host(2))
        let warning = try #require(made.warnings.first { $0.subject == "oversubscription" })
        #expect(warning.value == "2.5")
        #expect(warning.reason.contains("5 nodes on 2 CPUs make 5"))
        #expect(warning.reason.contains("FM-5"))
        #expect(try plan(PlanFixtures.nodes(2), PlanFixtures.host(2)).warnings == [])
        // Half a processor is too little for one guest.
        #expect(try plan(PlanFixtures.nodes(1), PlanFixtures.host(8, quota: 0.5)).warnings.map(\.value) == ["2.0"])
        #expect(try plan(PlanFixtures.nodes(1), PlanFixtures.host(8, quota: 1.5)).warnings == [])
    }

    @Test func `boots at a time follow the accelerator`() throws {
        #expect(try plan(PlanFixtures.nodes(1), PlanFixtures.host(4, .tcg)).concurrentBoots == 4)
        #expect(try plan(PlanFixtures.nodes(1), PlanFixtures.host(4, .kvm)).concurrentBoots == 8)
        #expect(try plan(PlanFixtures.nodes(1), PlanFixtures.host(1, quota: 0.1, .tcg)).concurrentBoots == 1)
    }

    @Test func `memory that is not there is refused with the numbers, or waited for`() throws {
        let topology = PlanFixtures.nodes(2, memory: 2048)
        let needed = 2 * (2048 + GuestMemory.overheadMebibytes)
        #expect(try plan(topology, PlanFixtures.host(2, available: needed)).waitsForMemory == false)
        let short = PlanFixtures.host(2, total: 8000, available: needed - 1)
        let problem = #expect(throws: Problem.self) { try plan(topology, short) }
        #expect(problem?.key == .noMemory)
        #expect(problem?.exitCode == 3)
        #expect(problem?.why?.contains("needed: \(needed) MiB") == true)
        #expect(problem?.why?.contains("available: \(needed - 1) MiB") == true)

        let waiting = try plan(topology, short, wait: true)
        #expect(waiting.waitsForMemory)
        #expect(waiting.warnings.map(\.value) == ["wait"])
        // What the host does not have at all cannot be waited for.
        let small = #expect(throws: Problem.self) {
            try plan(topology, PlanFixtures.host(2, total: needed - 1, available: 1000), wait: true)
        }
        #expect(small?.key == .noMemory)
        #expect(small?.why?.contains("\(needed - 1) MiB in all") == true)
    }

    @Test func `little memory left is warned of beyond 80 %`() throws {
        let topology = PlanFixtures.nodes(1, memory: 800 - GuestMemory.overheadMebibytes)
        #expect(try plan(topology, PlanFixtures.host(2, available: 1000)).warnings == [])
        #expect(try plan(topology, PlanFixtures.host(2, available: 999)).warnings.map(\.subject) == ["memory"])
    }

    @Test func `RAM files are in shared memory where all fit, and the disk has room for the rest`() throws {
        let topology = PlanFixtures.nodes(2, memory: 1024)
        #expect(try plan(topology, PlanFixtures.host(2, disk: 400, shared: 2064)).ram == .sharedMemory)
        let onDisk = try plan(topology, PlanFixtures.host(2, disk: 2448, shared: 2063))
        #expect(onDisk.ram == .runFolder)
        #expect(onDisk.decisions.contains { $0.subject == "RAM files" && $0.reason.contains("2063 MiB free") })
        let problem = #expect(throws: Problem.self) { try plan(topology, PlanFixtures.host(2, disk: 2447, shared: 2063)) }
        #expect(problem?.key == .diskFull)
        #expect(problem?.why == "needed: about 2448 MiB (200 MiB for each node's disk and logs, and 2048 MiB of RAM files); free: 2447 MiB")
        #expect(throws: Problem.self) { try plan(topology, PlanFixtures.host(2, disk: 399, shared: 2064)) }
    }

    @Test func `accelerator and pace have their reasons`() throws {
        func reason(_ subject: String, _ host: HostCapacity) throws -> String? {
            try plan(PlanFixtures.nodes(1), host).decisions.first { $0.subject == subject }?.reason
        }
        #expect(try reason("accelerator", PlanFixtures.host(2, reason: "no device")) == "no device")
        #expect(try reason("accelerator", PlanFixtures.host(2, .kvm))?.contains("KVM") == true)
        #expect(try reason("pace", PlanFixtures.host(2, pace: 2.46))?.contains("2.5 times") == true)
        #expect(
            try reason("CPUs", PlanFixtures.host(8, quota: 1.5))
                == "this process may run on 8, and the control group allows the time of 1.5")
    }

    @Test func `an image that nobody looked at is refused`() {
        let problem = #expect(throws: Problem.self) { try plan(PlanFixtures.nodes(1, image: "other"), PlanFixtures.host(2)) }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.location == "node server-1")
    }
}

/// Numbers that are the same in every run (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
