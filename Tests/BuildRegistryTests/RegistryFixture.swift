import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

/// A registry, and variants whose files are made in no time.
struct RegistryFixture: Sendable {
    let folder: String
    let matrix: VariantMatrix
    var cache: String { folder + "/cache" }
    var registry: ImageRegistry { ImageRegistry(cache: cache) }

    /// Eight nodes of an x86-64 server, and one of an AArch64 server.
    static let yaml = """
        groups:
          - name: edge
            builder: import
            axes:
              role: [server]
              machine: [vm]
              node: [n1, n2, n3, n4, n5, n6, n7, n8]
              boot: [uefi]
              arch: [amd64]
            include:
              - {node: n1, machine: board, arch: arm64}
            outputFolder: "out/{node}"
            outputs:
              wic: {patterns: ["*.wic"], format: wic, size: 1K-512M}
              kernel: {patterns: [vmlinuz], format: kernel, size: 1K-64M, shared: [machine, arch]}
        """

    /// Runs `body` with a fixture that is gone afterwards.
    static func with(_ yaml: String = yaml, _ body: (RegistryFixture) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try Folder.write(yaml, to: folder + "/variants.yaml")
            try await body(RegistryFixture(folder: folder, matrix: try VariantMatrix(contentsOf: folder + "/variants.yaml")))
        }
    }

    func variant(_ name: String) throws -> ImageVariant { try matrix.variant(named: name) }

    /// Writes the outputs of a variant into a folder of their own, which differ by `mark`.
    func outputs(_ mark: String, kernel: [UInt8] = Bytes.bzImage, bytes: Int = 1 << 20) throws -> [String: String] {
        let place = "\(folder)/made-\(mark)"
        try Folder.create(place)
        let files = ["wic": place + "/disk.wic", "kernel": place + "/vmlinuz"]
        try Data(Bytes.disk(mark, bytes: bytes)).write(to: URL(filePath: files["wic"] ?? ""))
        try Data(kernel).write(to: URL(filePath: files["kernel"] ?? ""))
        return files
    }

    /// Registers a variant with outputs that differ by `mark`.
    @discardableResult
    func register(_ name: String, _ mark: String, kernel: [UInt8] = Bytes.bzImage) async throws -> RegistrationOutcome {
        try await register(name, files: try outputs(mark, kernel: kernel))
    }

    @discardableResult
    func register(_ name: String, files: [String: String]) async throws -> RegistrationOutcome {
        try await registry.register(
            ImageRegistration(variant: try variant(name), files: files, provenance: Provenance(builder: "test")))
    }

    /// The digests of the files in the store.
    var objects: Set<String> {
        Set(Folder.names(in: registry.objects).flatMap { Folder.names(in: "\(registry.objects)/\($0)") })
    }
}

/// The beginnings of files, as far as anybody looks at them.
enum Bytes {
    /// A disk with an MBR, boot code and one EFI system partition.
    static func disk(_ mark: String, bytes: Int) -> [UInt8] {
        var disk = [UInt8](repeating: 0, count: bytes)
        disk[0] = 0xFA
        disk[446 + 4] = 0xEF
        disk[446 + 8] = 1
        disk[446 + 12] = 1
        (disk[510], disk[511]) = (0x55, 0xAA)
        disk.replaceSubrange(1024..<1024 + mark.utf8.count, with: Array(mark.utf8))
        // Not all zeros, so that it takes time and space.
        for index in stride(from: 4096, to: bytes, by: 4096) { disk[index] = 1 }
        return disk
    }

    /// A kernel for x86-64 (bzImage).
    static let bzImage: [UInt8] = {
        var kernel = [UInt8](repeating: 0, count: 4096)
        kernel.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        kernel[0x236] = 1
        return kernel
    }()

    /// A kernel for AArch64 (Image).
    static let image: [UInt8] = {
        var kernel = [UInt8](repeating: 0, count: 4096)
        kernel.replaceSubrange(56..<60, with: Array("ARMd".utf8))
        return kernel
    }()

    /// A little-endian ELF file of a machine.
    static func elf(_ machine: Int) -> [UInt8] {
        var program = [UInt8](repeating: 0, count: 4096)
        program.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        (program[18], program[19]) = (UInt8(machine & 255), UInt8(machine >> 8))
        return program
    }
}
