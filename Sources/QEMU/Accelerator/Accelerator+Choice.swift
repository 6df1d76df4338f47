public import LabEvents

/// The accelerator that a run uses, and why.
public struct AcceleratorChoice: Equatable, Sendable {
    /// What runs the guests.
    public var accelerator: Accelerator
    /// Why it is not KVM although nobody asked for TCG; to be said once. Nil when there is nothing to say.
    public var reason: String?

    /// A choice from its parts.
    public init(accelerator: Accelerator, reason: String? = nil) {
        self.accelerator = accelerator
        self.reason = reason
    }
}

extension Accelerator {
    /// Decides what runs the guests.
    ///
    /// - Parameters:
    ///   - requested: what the user asked for; nil takes KVM where it runs guests, else TCG.
    ///   - probe: finds out about KVM; not used when TCG was asked for.
    /// - Throws: an environment problem with the key `kvm-unusable` and the reason when KVM was asked for and does not run guests.
    public static func choose(requested: Accelerator?, probe: AcceleratorProbe) async throws(Problem) -> AcceleratorChoice {
        if requested == .tcg { return AcceleratorChoice(accelerator: .tcg, reason: nil) }
        guard case .unusable(let reason) = try await probe.kvm().verdict else { return AcceleratorChoice(accelerator: .kvm, reason: nil) }
        guard requested == .kvm else {
            return AcceleratorChoice(accelerator: .tcg, reason: "KVM is not usable: \(reason); guests run under TCG, which is slower")
        }
        throw .environment(
            .kvmUnusable, "KVM was asked for and cannot run guests", location: probe.device, why: reason.description, remedy: reason.remedy)
    }
}
