/// One generation of a variant in the registry. It never changes; other bytes make a new generation.
public struct RegisteredImage: Sendable, Codable, Equatable {
    /// The variant's id.
    public var variant: String
    /// Counts from 1, for each variant.
    public var generation: Int
    /// SHA-256 over the digests of the parts in a lab: kernel, initramfs, disk, as in ``BootableImage/digest``. For one that no lab boots, of all.
    public var digest: String
    /// How a lab can start it, the variant's own way first; empty for one that no lab boots.
    public var firmwares: [BootMode]
    /// What a lab needs to know of the guest.
    public var guest: ImageVariant.GuestFacts
    /// Where it comes from.
    public var provenance: Provenance
    /// SHA-256 of the build's log, which the store has too.
    public var log: String?
    /// The files, sorted by name.
    public var artifacts: [Artifact]

    /// One file.
    public struct Artifact: Sendable, Codable, Equatable {
        /// Its name among the variant's outputs.
        public var name: String
        /// What it is.
        public var format: ImageOutput.Format
        /// Its SHA-256, 64 hexadecimal digits, by which the store knows it.
        public var sha256: String
        /// Its size, bytes.
        public var bytes: Int64
        /// The size of a disk as the guest sees it, bytes.
        public var virtualBytes: Int64?
        /// In which axes another variant must agree that may have the same bytes; nil when none may.
        public var shared: [VariantAxis]?
    }

    /// The size of all files, bytes.
    public var bytes: Int64 { artifacts.reduce(0) { $0 + $1.bytes } }

    /// The first artifact of one of these formats.
    func artifact(_ formats: ImageOutput.Format...) -> Artifact? { artifacts.first { formats.contains($0.format) } }

    /// The parts that a lab uses, in the order of ``BootableImage/digest``.
    static func parts(_ artifacts: [Artifact]) -> [Artifact] {
        let groups: [[ImageOutput.Format]] = [[.kernel], [.initrd], [.wic, .qcow2]]
        return groups.compactMap { formats in artifacts.first { formats.contains($0.format) } }
    }

    /// The digest of an image with these artifacts.
    static func digest(_ artifacts: [Artifact]) -> String {
        let parts = parts(artifacts)
        return Digest.sha256((parts.isEmpty ? artifacts : parts).map(\.sha256).joined(separator: " ").utf8)
    }

    /// The ways that an image can be started: the variant's own first, then the others that its files allow, the quickest first.
    static func firmwares(_ variant: ImageVariant, _ artifacts: [Artifact], disk: [BootMode]) -> [BootMode] {
        guard let own = variant.bootMode else { return [] }
        var modes: [BootMode] = []
        // A kernel with a disk needs to be told where its root is.
        let hasDisk = artifacts.contains { $0.format == .wic || $0.format == .qcow2 }
        if artifacts.contains(where: { $0.format == .kernel }), !hasDisk || !variant.guest.commandLine.isEmpty { modes.append(.direct) }
        modes += BootMode.allCases.filter { $0 != .direct && disk.contains($0) }
        if let allowed = variant.guest.bootModes { modes.removeAll { !allowed.contains($0) } }
        guard modes.contains(own) else { return modes }
        return [own] + modes.filter { $0 != own }
    }
}
