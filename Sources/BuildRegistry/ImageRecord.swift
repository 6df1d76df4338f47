/// What `image.json` beside a built image says.
public struct ImageRecord: Sendable, Codable, Equatable {
    /// The version of this form; 1.
    public var format: Int
    /// The name of the description.
    public var name: String
    /// SHA-256 over everything that was to decide the result: description, builder version, distribution. The name of the folder.
    public var key: String
    /// SHA-256 over the digests of the parts, that is, over what came out.
    public var digest: String
    /// The parts by role: `kernel`, `initrd`, `disk`.
    public var parts: [String: Part]
    /// The size of the disk as the guest sees it, bytes.
    public var diskVirtualBytes: Int64
    /// The ways it can be started, where they are not all.
    public var firmwares: [BootMode]?
    /// The kernel command line.
    public var commandLine: String
    /// The ways to a first root shell.
    public var consoles: GuestConsoles
    /// Memory for a guest that asks for none, MiB.
    public var memoryMiB: Int
    /// Virtual CPUs for a guest that asks for none.
    public var vcpus: Int
    /// What the packages came from.
    public var host: HostDistribution
    /// The packages in it.
    public var packages: [PackageVersion]
    /// When it was built, UTC, ISO 8601.
    public var builtAt: String
    /// How long that took, seconds.
    public var buildSeconds: Double

    /// One file of an image.
    public struct Part: Sendable, Codable, Equatable {
        /// Its name in the image's folder.
        public var file: String
        /// Its size in bytes.
        public var bytes: Int64
        /// Its SHA-256, 64 hexadecimal digits.
        public var sha256: String
    }

    /// The size of all parts, bytes.
    public var bytes: Int64 { parts.values.reduce(0) { $0 + $1.bytes } }

    /// The image as something to start a machine from; its files lie in `folder`.
    func image(in folder: String) -> BootableImage {
        func path(_ role: String) -> String? { parts[role].map { folder + "/" + $0.file } }
        return BootableImage(
            name: name, disk: path("disk").map { .init(path: $0, format: .qcow2, virtualBytes: diskVirtualBytes) }, kernel: path("kernel"),
            initrd: path("initrd"), commandLine: commandLine, firmwares: firmwares ?? [.direct, .bios, .uefi], consoles: consoles,
            defaultMemoryMiB: memoryMiB, defaultVCPUs: vcpus, digest: digest)
    }
}
