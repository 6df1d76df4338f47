import LabEvents

/// What the first sectors of a disk say: boot code, and its partitions by MBR or GPT (UEFI specification 2.10, section 5).
struct PartitionTable: Equatable {
    /// How the partitions are written down.
    enum Scheme: String { case none, mbr, gpt }

    private(set) var scheme = Scheme.none
    /// Whether the first sector has code for a BIOS to run.
    private(set) var hasBootCode = false
    /// Whether a partition is an EFI system partition.
    private(set) var hasSystemPartition = false
    /// The first byte behind everything that the tables speak of.
    private(set) var end: Int64 = 0
    /// Where its partitions begin, bytes.
    private(set) var starts: [Int64] = []

    /// How many bytes of a disk are enough to read its tables.
    static let prefixBytes = 64 << 10
    private static let sector: Int64 = 512
    /// C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it lies on the disk.
    private static let systemPartition: [UInt8] = [
        0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B,
    ]

    /// Reads the tables in the first bytes of a disk.
    init(_ bytes: [UInt8]) {
        guard bytes.count >= 512, bytes[510] == 0x55, bytes[511] == 0xAA else { return }
        let isFileSystem = Self.isFileSystem(bytes)
        hasBootCode = bytes[..<440].contains { $0 != 0 } && !isFileSystem
        var isProtective = false
        for entry in stride(from: 446, to: 510, by: 16) where !isFileSystem && bytes[entry + 4] != 0 {
            scheme = .mbr
            let type = bytes[entry + 4]
            if type == 0xEE { isProtective = true; continue }
            if type == 0xEF { hasSystemPartition = true }
            starts.append(Self.number(bytes, entry + 8, 4) * Self.sector)
            end = max(end, (Self.number(bytes, entry + 8, 4) + Self.number(bytes, entry + 12, 4)) * Self.sector)
        }
        if isProtective, bytes.count >= 1024, Array(bytes[512..<520]) == Array("EFI PART".utf8) { readGPT(bytes) }
    }

    private mutating func readGPT(_ bytes: [UInt8]) {
        scheme = .gpt
        // The second table is the last thing on the disk.
        end = (Self.number(bytes, 512 + 32, 8) &+ 1) &* Self.sector
        let start = Self.number(bytes, 512 + 72, 8) &* Self.sector
        let (count, size) = (Self.number(bytes, 512 + 80, 4), Self.number(bytes, 512 + 84, 4))
        guard size >= 128, start >= 0 else { return }
        for index in 0..<min(count, 1024) {
            let entry = start &+ index &* size
            guard entry >= 0, entry + size <= Int64(bytes.count) else { break }
            let type = Array(bytes[Int(entry)..<Int(entry) + 16])
            if type == Self.systemPartition { hasSystemPartition = true }
            if type.contains(where: { $0 != 0 }) { starts.append(Self.number(bytes, Int(entry) + 32, 8) &* Self.sector) }
        }
    }

    /// A FAT or NTFS file system's own boot sector has the same signature as an MBR, and text where that has its table.
    private static func isFileSystem(_ bytes: [UInt8]) -> Bool {
        [(54, "FAT"), (82, "FAT32"), (3, "NTFS")].contains { offset, name in bytes[offset...].starts(with: name.utf8) }
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int64 {
        bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int64($1) }
    }
}
