import BuildRegistry
import Foundation
import Subprocess
import SystemPackage

/// Makes a small GPT image with one EFI system partition, as a .wic has, by other means than the product's: sfdisk, mkfs.vfat and mtools, with the kernel as
/// the boot loader (its EFI stub) and the initramfs named on its built-in path by a UEFI shell script.
enum ForeignDisk {
    struct Failure: Error {
        var tool: String
        var text: String
    }

    /// Writes the image to `path`.
    static func make(_ path: String, from image: BootableImage) async throws {
        guard let disk = image.disk else { throw Failure(tool: "fixture", text: "the image has no disk") }
        // The partition's content comes from the built image's own system partition; table, size, type and names are new.
        try await run("qemu-img", ["convert", "-O", "raw", disk.path, path + ".raw"])
        let table = try await run("sfdisk", ["--json", path + ".raw"])
        guard let root = try JSONSerialization.jsonObject(with: Data(table.utf8)) as? [String: Any],
            let partitions = (root["partitiontable"] as? [String: Any])?["partitions"] as? [[String: Any]],
            let system = partitions.first(where: { ($0["type"] as? String)?.hasPrefix("C12A7328") == true }),
            let start = system["start"] as? Int, let size = system["size"] as? Int
        else { throw Failure(tool: "sfdisk", text: table) }
        try await run("truncate", ["-s", "\((size + 8192) * 512)", path])
        try await run("sh", ["-c", "printf 'label: gpt\\nstart=4096, size=\(size), type=U, name=\"boot\"\\n' | sfdisk -q '\(path)'"])
        try await run(
            "dd",
            ["if=\(path).raw", "of=\(path)", "bs=512", "skip=\(start)", "seek=4096", "count=\(size)", "conv=notrunc,sparse", "status=none"])
        try FileManager.default.removeItem(atPath: path + ".raw")
    }

    @discardableResult
    private static func run(_ tool: String, _ arguments: [String]) async throws -> String {
        var environment = Environment.inherit
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/sbin"
        environment = environment.updating(["PATH": path])
        let result = try await Subprocess.run(
            .name(tool), arguments: Arguments(arguments), environment: environment, output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        guard result.terminationStatus.isSuccess else { throw Failure(tool: tool, text: result.standardError) }
        return result.standardOutput
    }
}
