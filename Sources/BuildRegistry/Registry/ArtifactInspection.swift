import LabEvents
import SystemPackage

/// Whether a stored file is what its variant says it must be. The store's copy is looked at, so nobody can change it after the check.
struct ArtifactInspection {
    let variant: ImageVariant
    let tools: HostTools
    /// A folder for what is taken out of images.
    let scratch: String

    /// What a disk turned out to be; nothing for other formats.
    struct Finding: Sendable, Equatable {
        var virtualBytes: Int64?
        var firmwares: [BootMode] = []
    }

    /// Starts of compressed files.
    private static let compressions: [(magic: [UInt8], name: String)] = [
        ([0x1F, 0x8B], "gzip"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
        (Array("BZh".utf8), "bzip2"), ([0x04, 0x22, 0x4D, 0x18], "lz4"), ([0x02, 0x21, 0x4C, 0x18], "lz4"),
    ]

    /// Looks at the copy `path` of the file `source`, which errors name.
    ///
    /// - Throws: ``Problem`` of kind `failure`: the file is not what it must be.
    func inspect(_ output: ImageOutput, _ path: String, source: String) async throws -> Finding {
        let bytes = Folder.size(path) ?? 0
        guard output.bytes.contains(bytes) else {
            throw refusal(
                "has an unexpected size", output, source,
                why: "it has \(bytes) bytes, \(output.bytes.lowerBound) to \(output.bytes.upperBound) are expected",
                remedy: "look into the builder's log, or correct `size` at \(variant.source)")
        }
        let start = try Self.prefix(of: path, 64 << 10)
        switch output.format {
        case .any: return Finding()
        case .program, .kernel:
            try checkMachine(output, start, source)
            return Finding()
        case .initrd, .archive:
            let marks: [(Int, String)] = output.format == .initrd ? [(0, "070701"), (0, "070702")] : [(257, "ustar")]
            let isPlain = marks.contains { start.count > $0.0 && start[$0.0...].starts(with: $0.1.utf8) }
            guard isPlain || Self.compressions.contains(where: { start.starts(with: $0.magic) }) else {
                throw refusal(
                    "is not in the format '\(output.format.rawValue)'", output, source,
                    why: output.format == .initrd
                        ? "it is neither a cpio archive nor compressed" : "it is neither a tar archive nor compressed")
            }
            for program in output.programs { try await checkProgram(program, inArchive: path, output, source) }
            return Finding()
        case .wic, .qcow2:
            return try await disk(output, path, source)
        }
    }

    private func disk(_ output: ImageOutput, _ path: String, _ source: String) async throws -> Finding {
        let inspected: DiskInspection
        do {
            inspected = try await DiskInspection.inspect(path, tools: tools)
        } catch let problem as Problem where problem.kind == .invalidInput {
            throw refusal(
                "is not in the format '\(output.format.rawValue)'", output, source,
                why: [problem.what, problem.why].compactMap { $0 }.joined(separator: ": "))
        }
        let expected: DiskFormat = output.format == .qcow2 ? .qcow2 : .raw
        guard inspected.disk.format == expected else {
            throw refusal(
                "is not in the format '\(output.format.rawValue)'", output, source, why: "it is a \(inspected.disk.format.rawValue) image")
        }
        guard inspected.table.scheme != .none else {
            throw refusal(
                "is not in the format '\(output.format.rawValue)'", output, source, why: "it has no partition table (neither MBR nor GPT)")
        }
        for program in output.programs { try await checkProgram(program, inDisk: path, inspected.table, output, source) }
        var firmwares: [BootMode] = []
        if inspected.table.hasBootCode { firmwares.append(.bios) }
        if inspected.table.hasSystemPartition { firmwares.append(.uefi) }
        return Finding(virtualBytes: inspected.disk.virtualBytes, firmwares: firmwares)
    }

    private func checkMachine(_ output: ImageOutput, _ start: [UInt8], _ source: String) throws(Problem) {
        let found = output.format == .kernel ? BinaryMachine.kernel(start) : BinaryMachine.elf(start)
        guard found != variant.architecture else { return }
        guard found != nil || BinaryMachine.elfMachine(start) != nil else {
            throw refusal(
                "is not in the format '\(output.format.rawValue)'", output, source,
                why: output.format == .kernel ? "it is neither a bzImage, an Image, an EFI program nor ELF" : "it is not an ELF file")
        }
        throw wrongMachine(output, source, found, start)
    }

    /// The problem of a binary that another machine would run.
    private func wrongMachine(_ output: ImageOutput, _ source: String, _ found: ImageArchitecture?, _ start: [UInt8]) -> Problem {
        let other = found?.rawValue ?? "another machine (ELF \(BinaryMachine.elfMachine(start) ?? 0))"
        return refusal(
            "is for the wrong architecture", output, source, why: "it is for \(other), the variant is for \(variant.architecture.rawValue)",
            remedy: "a download cache without the architecture in its key does that (FM-7): clear it and build again")
    }

    /// The problem of a program inside that is missing or another machine's.
    func check(_ program: String, _ start: [UInt8], _ output: ImageOutput, _ source: String) throws(Problem) {
        let place = "\(source):\(program)"
        guard BinaryMachine.elfMachine(start) != nil else {
            throw refusal(
                "has a program that is not ELF", output, place, why: start.isEmpty ? "it is empty" : "it does not begin with \\x7fELF")
        }
        let found = BinaryMachine.elf(start)
        guard found == variant.architecture else { throw wrongMachine(output, place, found, start) }
    }

    /// A refusal of an output.
    func refusal(_ what: String, _ output: ImageOutput, _ source: String, why: String, remedy: String? = nil) -> Problem {
        Problem(
            .failure, "\(variant.id): the output '\(output.name)' \(what)", location: source, why: why,
            remedy: remedy ?? "nothing was registered; look into the builder's log")
    }

    /// The first bytes of a file, which is no link: one in an image would lead to the host's files.
    static func prefix(of path: String, _ count: Int) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .noFollow])
        return try file.closeAfter {
            try [UInt8](unsafeUninitializedCapacity: count) { buffer, count in
                count = try file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
    }
}
