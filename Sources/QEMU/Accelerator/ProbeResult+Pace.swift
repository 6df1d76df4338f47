extension Accelerator {
    /// The time that the probe guest takes on a host where time limits hold as they are written, in seconds.
    ///
    /// Most of it is the start of QEMU and its firmware. TCG: 0.11 to 0.12 s were measured on two idle cores of an EPYC server, 0.41 to 0.58 s with
    /// four busy threads for each core. KVM: the figure in ``AcceleratorProbe/limit``.
    public var referenceProbeSeconds: Double {
        switch self {
        case .kvm: 0.1
        case .tcg: 0.15
        }
    }
}

extension ProbeResult {
    /// The range of ``pace``. Less than 1 would make time limits shorter than they were written; more than 20 would make them endless.
    public static let paceLimits = 1.0...20.0

    /// How slow the host is for guests: ``seconds`` over ``Accelerator/referenceProbeSeconds``, within ``paceLimits``; 1 where no guest was started.
    ///
    /// A result from the cache tells of the moment when it was made; ``AcceleratorProbe/run(_:)`` tells of now.
    public var pace: Double {
        min(max(seconds / accelerator.referenceProbeSeconds, Self.paceLimits.lowerBound), Self.paceLimits.upperBound)
    }
}
