public import QEMU

/// Something about one node that is broken on purpose, until it is healed.
public enum NodeFault: Sendable, Hashable, Codable {
    /// The machine is gone in an instant, as if its plug were pulled. Healed, it has booted again, with its network if it had it.
    case powerCut
    /// The machine stands still; its network cards keep their carrier. Healed, it goes on, with the host's time.
    case freeze
    /// The machine gets a share of the processors' time only, more than 0 and less than 1.
    case cpuStarvation(share: Double)
    /// The guest's memory is used up but for so many MiB.
    case memoryPressure(leavingMiB: Int)
    /// The file system of a folder in the guest is full but for so many bytes.
    case diskFull(folder: String, leavingBytes: Int)
    /// Requests of the node's disk fail. Healed, the node was started anew if a file system of its had given up.
    case diskErrors(DiskErrors)
    /// The node's disk does no more than so much.
    case slowDisk(DiskLimit)
    /// The guest's clock is so many seconds ahead of the host's, or behind it.
    case clockJump(seconds: Int)
    /// A process in the guest is killed: that of a service (`etcd.service`), or all of a name; again and again every so many seconds, or once when nil.
    case processKill(String, every: Double?)
    /// A process in the guest stands still: that of a service (`etcd.service`), or all of a name. Its ports stay open, and nobody answers there.
    case processFreeze(String)
    /// A service of the guest fails when it is started. If it ran, it does no longer.
    case unitStartFailure(unit: String)
}

extension NodeFault {
    /// What of the node it takes: two faults that take the same would undo each other.
    var place: String {
        switch self {
        case .powerCut: "power"
        case .freeze: "freeze"
        case .cpuStarvation: "processors"
        case .memoryPressure: "memory"
        case .diskFull(let folder, _): "space of \(folder)"
        case .diskErrors: "errors of the disk"
        case .slowDisk: "speed of the disk"
        case .clockJump: "clock"
        case .processKill(let target, _), .processFreeze(let target): "process \(target)"
        case .unitStartFailure(let unit): "start of \(unit)"
        }
    }
}

extension NodeFault: CustomStringConvertible {
    /// In a few words, such as `disk full (/var, 0 bytes left)`.
    public var description: String {
        switch self {
        case .powerCut: "power cut"
        case .freeze: "freeze"
        case .cpuStarvation(let share): "\((share * 100).rounded(to: 1)) % of the processors"
        case .memoryPressure(let left): "\(left) MiB of memory left"
        case .diskFull(let folder, let left): "\(folder) is full but for \(left) bytes"
        case .diskErrors(let errors): errors == .all ? "disk errors" : "disk errors of \(errors.rawValue)"
        case .slowDisk(let limit):
            "slow disk: "
                + [(limit.bytesPerSecond, "bytes/s"), (limit.operationsPerSecond, "requests/s")].filter { $0.0 > 0 }.map {
                    "\($0.0) \($0.1)"
                }
                .joined(separator: ", ")
        case .clockJump(let seconds): "clock \(abs(seconds)) s \(seconds < 0 ? "behind" : "ahead")"
        case .processKill(let target, let seconds): "\(target) is killed" + (seconds.map { " every \($0) s" } ?? "")
        case .processFreeze(let target): "\(target) stands still"
        case .unitStartFailure(let unit): "\(unit) does not start"
        }
    }
}
