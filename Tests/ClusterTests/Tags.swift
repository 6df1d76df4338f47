import Foundation
import Testing

/// What a test needs from the host, and so when it runs: `ci/test --tier NAME` chooses.
enum Tier: String, CaseIterable {
    /// Pure: files in a temporary folder, no process, no guest.
    case unit
    /// The host's own programs as they really are (QEMU, qemu-img, mkfs), without a guest system.
    case contract
    /// A real guest system.
    case guest
    /// Several guests on a network.
    case cluster

    /// The tiers that run: those that the variable `VMLAB_TIERS` names, with commas between them; all where it is not set.
    static let selected: Set<String> = {
        guard let names = ProcessInfo.processInfo.environment["VMLAB_TIERS"] else { return Set(allCases.map(\.rawValue)) }
        return Set(names.split(separator: ",").map(String.init))
    }()
}

extension Trait where Self == ConditionTrait {
    /// The tier of a suite or test; every test has exactly one, mostly from its suite.
    ///
    /// `ci/test` tells a test of another tier from one that was skipped for a reason by the words "not selected".
    static func tier(_ tier: Tier) -> Self {
        .enabled("not selected: tier \(tier.rawValue)") { Tier.selected.contains(tier.rawValue) }
    }
}
