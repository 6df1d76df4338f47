import FoundationEssentials
import Glibc
import LabEvents
import Subprocess
import SystemPackage

/// What a disk image file is, found out from its content.
struct DiskInspection {
    /// The file, its format and the size that the guest sees.
    var disk: BootableImage.Disk
    /// What its first sectors say.
    var table: PartitionTable

    /// Starts of files that people hand over by mistake: offset, bytes, name, and what to do about it.
    private static let strangers: [(offset: Int, magic: [UInt8], name: String, remedy: String)] = [
        (0, [0x1F, 0x8B], "compressed by gzip", "gunzip it"),
        (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "compressed by xz", "unxz it"),
        (0, [0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd", "unzstd it"),
        (0, Array("BZh".utf8), "compressed by bzip2", "bunzip2 it"),
        (0, Array("KDMV".utf8), "a VMDK image", "convert it: qemu-img convert -O qcow2 IMAGE IMAGE.qcow2"),
        (0, Array("vhdxfile".utf8), "a VHDX image", "convert it: qemu-img convert -O qcow2 IMAGE IMAGE.qcow2"),
        (0x40, [0x7F, 0x10, 0xDA, 0xBE], "a VDI image", "convert it: qemu-img convert -O qcow2 IMAGE IMAGE.qcow2"),
        (257, Array("ustar".utf8), "a tar archive", "unpack it and name the image in it"),
    ]

    /// Looks at the non-empty file at the absolute `path`.
    static func inspect(_ path: String, tools: HostTools) async throws -> DiskInspection {
        let start = try prefix(of: path)
        if let stranger = strangers.first(where: { $0.offset < start.count && start[$0.offset...].starts(with: $0.magic) }) {
            throw Problem(
                .invalidInput, "the disk image is \(stranger.name)", location: path, why: "raw, .wic and qcow2 are understood",
                remedy: stranger.remedy)
        }
        if start.starts(with: [0x51, 0x46, 0x49, 0xFB]) { return try await qcow2(path, tools: tools) }
        let bytes = Folder.size(path) ?? 0
        return DiskInspection(
            disk: .init(path: path, format: .raw, virtualBytes: bytes), table: try table(start, bytes: bytes, path: path, unit: "the file"))
    }

    private static func qcow2(_ path: String, tools: HostTools) async throws -> DiskInspection {
        try tools.require(["qemu-img"], for: "reading a qcow2 image")
        let runner = ToolRunner(tools: tools)
        func corrupt(_ outcome: ToolRunner.Outcome) -> Problem {
            Problem(
                .invalidInput, "the qcow2 image is corrupt or cut off", location: path, why: outcome.tail.suffix(4).joined(separator: "\n"),
                remedy: "fetch or build it again; `qemu-img check \(path)` says more")
        }
        // -U: another machine may be running on it, which is no reason not to look.
        let info = try await runner.outcome(["qemu-img", "info", "-U", "-f", "qcow2", "--output=json", path], keepOutput: true)
        guard info.succeeded, let about = try? JSONDecoder().decode(Info.self, from: Data(info.output.utf8)) else { throw corrupt(info) }
        if let backing = about.backing {
            throw Problem(
                .invalidInput, "the qcow2 image is an overlay", location: path, why: "the rest of it is in \(backing)",
                remedy: "make it whole: qemu-img convert -O qcow2 \(path) WHOLE.qcow2")
        }
        // Exit status 3 means clusters that nobody uses: wasteful, not wrong.
        let check = try await runner.outcome(["qemu-img", "check", "-U", "-f", "qcow2", path])
        guard check.succeeded || check.status == .exited(3) else { throw corrupt(check) }

        let folder = try temporaryFolder()
        defer { Folder.remove(folder) }
        let head = folder + "/head"
        let read = try await runner.outcome(
            ["qemu-img", "dd", "-U", "-f", "qcow2", "-O", "raw", "bs=\(PartitionTable.prefixBytes)", "count=1", "if=\(path)", "of=\(head)"])
        guard read.succeeded else { throw corrupt(read) }
        let table = try table(try prefix(of: head), bytes: about.virtualSize, path: path, unit: "the disk in it")
        return DiskInspection(disk: .init(path: path, format: .qcow2, virtualBytes: about.virtualSize), table: table)
    }

    /// The part of `qemu-img info --output=json` that matters here.
    private struct Info: Decodable {
        var virtualSize: Int64
        var backing: String?

        enum CodingKeys: String, CodingKey {
            case virtualSize = "virtual-size"
            case backing = "backing-filename"
        }
    }

    private static func table(_ start: [UInt8], bytes: Int64, path: String, unit: String) throws(Problem) -> PartitionTable {
        let table = PartitionTable(start)
        guard table.end <= bytes else {
            throw Problem(
                .invalidInput, "the disk image is cut off", location: path,
                why: "its partition table reaches to byte \(table.end), \(unit) has \(bytes)", remedy: "fetch or build it again")
        }
        return table
    }

    private static func prefix(of path: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec])
        return try file.closeAfter {
            try [UInt8](unsafeUninitializedCapacity: PartitionTable.prefixBytes) { buffer, count in
                count = try file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
    }

    private static func temporaryFolder() throws -> String {
        var template = Array((FileManager.default.temporaryDirectory.path + "/vmlab-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
