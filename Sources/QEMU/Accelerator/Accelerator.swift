/// What runs the guest's instructions.
public enum Accelerator: String, Sendable, Codable, CaseIterable {
    /// The processor itself, through /dev/kvm.
    case kvm
    /// QEMU's translator, one host thread for each virtual processor: runs everywhere, ten to thirty times slower.
    case tcg

    /// QEMU's arguments for the accelerator and the processor model that goes with it: everything the host has, everything the translator
    /// knows.
    var arguments: [String] {
        switch self {
        case .kvm: ["-accel", "kvm", "-cpu", "host"]
        case .tcg: ["-accel", "tcg,thread=multi", "-cpu", "max"]
        }
    }
}
