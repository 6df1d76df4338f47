import FoundationEssentials

/// What an ELF file says about how it is loaded (elf(5)).
enum DynamicProgram {
    /// The path of the dynamic loader that a program names (`PT_INTERP`); nil for a static program and for what is no 64-bit little-endian ELF file.
    static func loader(of path: String) -> String? {
        guard let file = FileManager.default.contents(atPath: path), file.count >= 64,
            file.prefix(6) == Data([0x7F, 0x45, 0x4C, 0x46, 2, 1])
        else {
            return nil
        }
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset <= file.count - size else { return nil }
            return (0..<size).reversed().reduce(0) { $0 << 8 | Int(file[file.startIndex + offset + $1]) }
        }
        guard let table = number(32, 8), let size = number(54, 2), let count = number(56, 2) else { return nil }
        for index in 0..<count {
            let (header, overflow) = table.addingReportingOverflow(index * size)
            guard !overflow, let type = number(header, 4) else { return nil }
            // PT_INTERP
            guard type == 3, let start = number(header + 8, 8), let length = number(header + 32, 8), start >= 0, length > 1,
                start <= file.count, length <= file.count - start
            else { continue }
            return String(decoding: file.dropFirst(start).prefix(length - 1), as: UTF8.self)
        }
        return nil
    }
}
