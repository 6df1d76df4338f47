import Foundation
import QEMU
import Testing
import VMLab

/// Faults of nodes as values: what a ledger keeps of them, and what people read.
@Suite("Faults of nodes as values", .tier(.unit))
struct NodeFaultValueTests {
    struct Case: Sendable {
        var fault: NodeFault
        var text: String
    }

    static let cases = [
        Case(fault: .powerCut, text: "a: power cut"), Case(fault: .freeze, text: "a: freeze"),
        Case(fault: .cpuStarvation(share: 0.125), text: "a: 12.5 % of the processors"),
        Case(fault: .memoryPressure(leavingMiB: 32), text: "a: 32 MiB of memory left"),
        Case(fault: .diskFull(folder: "/var", leavingBytes: 0), text: "a: /var is full but for 0 bytes"),
        Case(fault: .diskErrors(.all), text: "a: disk errors"), Case(fault: .diskErrors(.reads), text: "a: disk errors of reads"),
        Case(fault: .slowDisk(DiskLimit(bytesPerSecond: 1000, operationsPerSecond: 5)), text: "a: slow disk: 1000 bytes/s, 5 requests/s"),
        Case(fault: .slowDisk(DiskLimit(operationsPerSecond: 5)), text: "a: slow disk: 5 requests/s"),
        Case(fault: .clockJump(seconds: -60), text: "a: clock 60 s behind"),
        Case(fault: .clockJump(seconds: 60), text: "a: clock 60 s ahead"),
        Case(fault: .processKill("etcd.service", every: 2), text: "a: etcd.service is killed every 2.0 s"),
        Case(fault: .processKill("etcd", every: nil), text: "a: etcd is killed"),
        Case(fault: .processFreeze("etcd.service"), text: "a: etcd.service stands still"),
        Case(fault: .unitStartFailure(unit: "etcd.service"), text: "a: etcd.service does not start"),
    ]

    @Test("A fault is read as it was written, and says what is broken", arguments: cases)
    func record(_ one: Case) throws {
        let fault = Fault.node("a", one.fault)
        #expect(try JSONDecoder().decode(Fault.self, from: JSONEncoder().encode(fault)) == fault)
        #expect("\(fault)" == one.text)
    }
}
