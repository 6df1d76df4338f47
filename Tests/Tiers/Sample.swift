import Foundation

extension Array {
    /// One of every `step` elements, beginning by `VMLAB_SEED` (1 by default) at another one; all of them with `VMLAB_SOAK=1`, as `ci/soak` has it.
    func sampled(_ step: Int) -> [Element] {
        let environment = ProcessInfo.processInfo.environment
        if environment["VMLAB_SOAK"] == "1" { return self }
        let seed = environment["VMLAB_SEED"].flatMap { UInt64($0) } ?? 1
        return indices.filter { $0 % step == Int(seed % UInt64(step)) }.map { self[$0] }
    }
}
