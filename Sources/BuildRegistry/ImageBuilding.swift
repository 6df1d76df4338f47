/// What can turn a description into files. ``ImageBuilder`` is the real one; tests of the store use quicker ones.
public protocol ImageBuilding: Sendable {
    /// Changes whenever the same description would give another image; part of every key.
    var version: String { get }

    /// Makes the image's files in `folder`, which exists and is empty.
    ///
    /// - Returns: what was made. Anything else that is left in `folder` stays with the image.
    /// - Throws: ``Problem``, or `CancellationError` once no process it started is alive.
    func build(
        _ description: ImageDescription, on host: HostDistribution, in folder: String,
        progress: @escaping @Sendable (ImageBuildEvent) -> Void
    ) async throws -> BuiltImage
}

/// What a builder has made.
public struct BuiltImage: Sendable {
    /// The file name of the kernel.
    public var kernel: String
    /// The file name of the initramfs.
    public var initrd: String
    /// The file name of the disk, a qcow2.
    public var disk: String
    /// The size of the disk as the guest sees it, bytes.
    public var diskVirtualBytes: Int64
    /// The packages that went into it, in the order they were fetched.
    public var packages: [PackageVersion]

    /// A built image from its parts.
    public init(kernel: String, initrd: String, disk: String, diskVirtualBytes: Int64, packages: [PackageVersion]) {
        self.kernel = kernel
        self.initrd = initrd
        self.disk = disk
        self.diskVirtualBytes = diskVirtualBytes
        self.packages = packages
    }
}
