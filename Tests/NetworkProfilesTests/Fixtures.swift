import Foundation
import LabEvents
import NetworkProfiles
import Testing

/// The package's folder, by the place of this file in it.
let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// The profiles that come with vmlab.
let shipped = ProfileCatalog(folders: [packageFolder + "/profiles"])

/// A generator whose sequence is decided by its seed (SplitMix64), so that a failing case can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The generator of the seed that `VMLAB_SEED` names, 1 where it is not set.
    static var ofRun: (seed: UInt64, generator: SeededGenerator) {
        let seed = ProcessInfo.processInfo.environment["VMLAB_SEED"].flatMap(UInt64.init) ?? 1
        return (seed, SeededGenerator(seed: seed))
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
