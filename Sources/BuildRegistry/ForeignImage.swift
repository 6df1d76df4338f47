import FoundationEssentials
import Glibc
import LabEvents
import SystemPackage

/// Images that were made elsewhere, used as they are.
public enum ForeignImage {
    /// What a foreign image cannot say about itself.
    public struct Hints: Sendable, Equatable {
        /// A kernel to hand over to the guest directly.
        public var kernel: String?
        /// The initramfs that goes with it.
        public var initrd: String?
        /// The command line that goes with it.
        public var commandLine = ""
        /// The consoles that the image is known to have. Default: the test backdoor on hvc0, which is recognised by its greeting.
        public var consoles = GuestConsoles(backdoor: "hvc0")
        /// Memory for a guest that asks for none, MiB. Default 1024.
        public var memoryMiB = 1024
        /// Virtual CPUs for a guest that asks for none. Default 1.
        public var vcpus = 1

        /// Hints with their defaults.
        public init() {}
    }

    /// Looks at the disk image at `disk` (raw, .wic or qcow2, told by content), or at kernel and initramfs alone when it is nil.
    ///
    /// - Parameters:
    ///   - disk: path of the disk image; nil with ``Hints/kernel`` for a guest without a disk.
    ///   - hints: what the image cannot say about itself.
    ///   - digesting: whether to read all of it for ``BootableImage/digest``, which takes seconds for large images.
    /// - Throws: ``Problem`` of kind `invalidInput` when something is missing, empty, cut off, corrupt or in a format that is not understood;
    ///   `env: tool-missing` without qemu-img.
    @concurrent
    public static func inspect(_ disk: String?, hints: Hints = Hints(), digesting: Bool = true) async throws -> BootableImage {
        try await inspect(disk, hints: hints, digesting: digesting, tools: HostTools())
    }

    static func inspect(_ disk: String?, hints: Hints, digesting: Bool, tools: HostTools) async throws -> BootableImage {
        var image = BootableImage(
            name: FilePath(disk ?? hints.kernel ?? "").lastComponent?.string ?? "", commandLine: hints.commandLine, firmwares: [],
            consoles: hints.consoles, defaultMemoryMiB: hints.memoryMiB, defaultVCPUs: hints.vcpus)
        if let kernel = hints.kernel {
            image.kernel = try regularFile(kernel, "kernel")
            image.initrd = try hints.initrd.map { path throws(Problem) in try regularFile(path, "initramfs") }
            image.firmwares = [.direct]
        } else if let initrd = hints.initrd {
            throw Problem(
                .invalidInput, "an initramfs without a kernel boots nothing", location: initrd, remedy: "name the kernel that goes with it")
        }
        if let disk {
            let inspected = try await DiskInspection.inspect(try regularFile(disk, "disk image"), tools: tools)
            image.disk = inspected.disk
            if inspected.table.hasBootCode { image.firmwares.append(.bios) }
            if inspected.table.hasSystemPartition { image.firmwares.append(.uefi) }
        }
        guard !image.firmwares.isEmpty else {
            throw Problem(
                .invalidInput, disk == nil ? "neither a disk nor a kernel to boot" : "nothing on the disk image can be booted",
                location: disk,
                why: disk == nil ? nil : "it has no boot code for BIOS and no EFI system partition for UEFI",
                remedy: "name a kernel and an initramfs for it, or take another image")
        }
        if digesting {
            let parts = [image.kernel, image.initrd, image.disk?.path].compactMap { $0 }
            image.digest = Digest.sha256(try parts.map { try Digest.sha256(ofFile: $0) }.joined(separator: " ").utf8)
        }
        return image
    }

    /// The absolute path of a file that exists, can be read and is not empty.
    private static func regularFile(_ path: String, _ what: String) throws(Problem) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Problem(
                .invalidInput, "there is no such \(what)", location: path, why: "\(Errno(rawValue: errno))", remedy: "check the path")
        }
        let type = status.st_mode & S_IFMT
        guard type == S_IFREG else {
            throw Problem(
                .invalidInput, "the \(what) is not a file", location: path,
                why: type == S_IFDIR ? "it is a folder" : "it is a device, pipe or socket",
                remedy: "name an image file, raw (.wic) or qcow2")
        }
        guard status.st_size > 0 else {
            throw Problem(.invalidInput, "the \(what) is empty", location: path, why: "it has 0 bytes", remedy: "build or fetch it again")
        }
        guard access(path, R_OK) == 0 else {
            throw Problem(
                .invalidInput, "the \(what) cannot be read", location: path, why: "\(Errno(rawValue: errno))",
                remedy: "change its permissions")
        }
        return path.hasPrefix("/") ? path : FilePath(FileManager.default.currentDirectoryPath).appending(path).lexicallyNormalized().string
    }
}
