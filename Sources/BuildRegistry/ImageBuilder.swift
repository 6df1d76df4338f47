import FoundationEssentials
import Glibc
import LabEvents
import SystemPackage

/// Makes images with mmdebstrap from the host's own apt sources, without mounts and loop devices.
///
/// As root the tools run directly. As another user mmdebstrap works in a user namespace (`--mode=unshare`, which needs the package
/// uidmap and a range in /etc/subuid) and the files of the root keep their owners through fakeroot.
public struct ImageBuilder: ImageBuilding {
    /// The builder's own version.
    public let version = "1"
    let tools: HostTools

    /// A builder that uses the programs on PATH and in the administrator's folders.
    public init() { tools = HostTools() }

    /// A builder that looks for programs in these folders only.
    init(tools: HostTools) { self.tools = tools }

    static let isRoot = geteuid() == 0
    /// The boot code of syslinux for the first sector of a GPT disk.
    static let bootSector = "/usr/lib/syslinux/mbr/gptmbr.bin"

    // `build` is a protocol witness; its documentation is there.
    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func build(
        _ description: ImageDescription, on host: HostDistribution, in folder: String,
        progress: @escaping @Sendable (ImageBuildEvent) -> Void
    ) async throws -> BuiltImage {
        try requireTools()
        guard let packages = description.packages[host.id] else {
            throw Problem(
                .invalidInput, "the image '\(description.name)' has no package list for \(host.id)", location: "packages",
                remedy: "add the key '\(host.id)' under `packages:` of \(description.name).yaml")
        }
        let work = Workplace(
            description: description, folder: folder,
            runner: ToolRunner(
                tools: tools, log: FilePath(folder + "/build.log"),
                // In a user namespace another user id than ours must be able to enter the folder, which a home may not allow.
                temporaryFolder: Self.isRoot ? folder + "/work" : nil))
        try Folder.create(work.path)
        defer { Folder.remove(work.path) }

        var steps = Steps(image: description.name, count: 5, report: progress)
        let sources = try await steps.run("reading the host's package sources") { _ in try await readSources(host, work) }
        let fetched = try await steps.run("fetching and unpacking packages") { report in
            try await makeTree(packages, host, sources, work, report: report)
        }
        try await steps.run("preparing kernel and initramfs") { _ in
            try await unpackTree(work)
            try await takeKernel(work)
            if description.kind == .initramfs { try await makeInitramfs(work) }
        }
        let bytes = try await steps.run("assembling the disk") { _ in try await assembleDisk(work) }
        try await steps.run("writing the qcow2 file") { _ in
            try await work.runner.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", work.path + "/disk.raw", folder + "/disk.qcow2"])
        }
        return BuiltImage(kernel: "kernel", initrd: "initrd", disk: "disk.qcow2", diskVirtualBytes: bytes, packages: fetched)
    }

    /// What a build is about and where it happens.
    struct Workplace {
        let description: ImageDescription
        /// Where the results go.
        let folder: String
        let runner: ToolRunner
        /// Where everything else goes; removed at the end.
        var path: String { folder + "/work" }
        /// The unpacked packages.
        var tree: String { path + "/tree" }
        /// The files of the initramfs, for images of that kind.
        var initramfs: String { path + "/initramfs" }
        /// fakeroot's record of who owns what.
        var owners: String { path + "/owners" }

        /// `command` so that it sees and sets the owners of the tree's files, whoever runs it.
        func asRoot(_ command: [String]) -> [String] {
            ImageBuilder.isRoot ? command : ["fakeroot", "-i", owners, "-s", owners, "--"] + command
        }
    }

    /// The steps of one build, each reported with its seconds.
    private struct Steps {
        let image: String
        let count: Int
        let report: @Sendable (ImageBuildEvent) -> Void
        var number = 0

        init(image: String, count: Int, report: @escaping @Sendable (ImageBuildEvent) -> Void) {
            (self.image, self.count, self.report) = (image, count, report)
        }

        @discardableResult
        mutating func run<T>(_ step: String, _ body: (@Sendable (ImageBuildEvent) -> Void) async throws -> T) async throws -> T {
            number += 1
            report(.stepStarted(image: image, step: step, number: number, count: count))
            let start = ContinuousClock.now
            let result = try await body(report)
            report(.stepFinished(image: image, step: step, seconds: (ContinuousClock.now - start).inSeconds))
            return result
        }
    }

    private func requireTools() throws(Problem) {
        let always = [
            "mmdebstrap", "apt-get", "apt-config", "tar", "cpio", "dd", "xz", "zstd", "mke2fs", "mkfs.vfat", "mmd", "mcopy", "sfdisk",
            "syslinux",
            Self.bootSector, "qemu-img", "flock",
        ]
        try tools.require(always + (Self.isRoot ? [] : ["fakeroot", "newuidmap"]), for: "building an image")
    }
}

extension Duration {
    /// The duration in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
