/// What the first bytes of a kernel or program say of the machine that it is for.
enum BinaryMachine {
    /// How many bytes of a file are enough.
    static let prefixBytes = 4096

    /// The architecture of an ELF file (the System V ABI, "ELF header"); nil when it is none of ours or no ELF file.
    static func elf(_ bytes: [UInt8]) -> ImageArchitecture? {
        guard let machine = elfMachine(bytes) else { return nil }
        return ImageArchitecture.allCases.first { $0.elfMachine == machine }
    }

    /// The number of an ELF file's machine; nil for what is no ELF file.
    static func elfMachine(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 20, bytes[..<4] == [0x7F, 0x45, 0x4C, 0x46] else { return nil }
        // EI_DATA 2 is big-endian.
        return bytes[5] == 2 ? Int(bytes[18]) << 8 | Int(bytes[19]) : number(bytes, 18, 2)
    }

    /// The architecture of a kernel; nil for what is none, or none of ours. Known are:
    /// - x86's bzImage: `HdrS` at 0x202 and bit 0 (64-bit) of `xloadflags` at 0x236 (Documentation/arch/x86/boot.rst)
    /// - AArch64's Image: `ARM\x64` at 56 (Documentation/arch/arm64/booting.rst)
    /// - RISC-V's Image: `RSC\x05` at 56 (Documentation/arch/riscv/boot-image-header.rst)
    /// - EFI programs, which zboot kernels are: `MZ`, and the COFF header that the number at 0x3C leads to
    /// - ELF (vmlinux)
    static func kernel(_ bytes: [UInt8]) -> ImageArchitecture? {
        if bytes.count > 0x238, Array(bytes[0x202..<0x206]) == Array("HdrS".utf8) { return number(bytes, 0x236, 2) & 1 == 1 ? .amd64 : nil }
        if bytes.count >= 64 {
            if Array(bytes[56..<60]) == [0x41, 0x52, 0x4D, 0x64] { return .arm64 }
            if Array(bytes[56..<60]) == [0x52, 0x53, 0x43, 0x05] { return .riscv64 }
            if bytes[0] == 0x4D, bytes[1] == 0x5A {
                let header = number(bytes, 0x3C, 4)
                guard header + 6 <= bytes.count, Array(bytes[header..<header + 4]) == [0x50, 0x45, 0, 0] else { return nil }
                let machine = number(bytes, header + 4, 2)
                return ImageArchitecture.allCases.first { $0.coffMachine == machine }
            }
        }
        return elf(bytes)
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
