public import LabEvents

/// What became of the probe guest.
public struct ProbeResult: Equatable, Sendable, Codable {
    /// Whether the accelerator runs guests.
    public enum Verdict: Equatable, Sendable, Codable {
        /// The guest gave its own answer.
        case usable
        /// It did not.
        case unusable(UnusableReason)
    }

    /// What was probed.
    public var accelerator: Accelerator
    /// Whether it runs guests.
    public var verdict: Verdict
    /// From the start of QEMU to its end, in seconds; 0 when no guest was started.
    public var seconds: Double
}

/// Why an accelerator does not run guests.
public enum UnusableReason: Equatable, Sendable, Codable, CustomStringConvertible {
    /// The device file is absent.
    case noDevice(path: String)
    /// The device file may not be opened.
    case notPermitted(path: String)
    /// The device file cannot be opened for another reason.
    case notOpened(path: String, reason: String)
    /// QEMU ran for this many seconds and the guest did not answer.
    case noAnswer(seconds: Double)
    /// QEMU reported that the accelerator failed while the guest ran, in these words.
    case internalError(String)
    /// QEMU ended without the guest's answer.
    case ended(ProcessExit, words: String)

    /// The reason, one or two sentences.
    public var description: String {
        switch self {
        case .noDevice(let path): "\(path) does not exist"
        case .notPermitted(let path): "\(path) may not be opened: permission denied"
        case .notOpened(let path, let reason): "\(path) cannot be opened: \(reason)"
        case .noAnswer(let seconds): "a tiny guest was started and did not answer within \(seconds) s"
        case .internalError(let words): "a tiny guest was started and the accelerator failed: \(words)"
        case .ended(let status, let words): "a tiny guest was started and QEMU \(status)\(words.isEmpty ? "" : ": \(words)")"
        }
    }

    /// What the reader can do.
    var remedy: String {
        switch self {
        case .noDevice: "enable virtualisation (nested, in a VM) and load kvm_intel or kvm_amd, or leave out --accel kvm to run under TCG"
        case .notPermitted: "sudo usermod -aG kvm \"$USER\" and log in again, or leave out --accel kvm to run under TCG"
        case .notOpened, .noAnswer, .internalError, .ended:
            "this host's KVM cannot run guests (often a VM without nested virtualisation): leave out --accel kvm to run under TCG"
        }
    }
}
