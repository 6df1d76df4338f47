/// What tells the images of a matrix from each other. An id names them in this order, the role first.
public enum VariantAxis: String, Sendable, Codable, CodingKeyRepresentable, CaseIterable, Comparable {
    /// What the machine is for, for example `server`.
    case role
    /// The machine as the builder calls it, for example `qemuamd64`.
    case machine
    /// The network profile that is baked in.
    case profile
    /// The node whose identity is baked in.
    case node
    /// How it boots, for example `uefi`; see ``ImageVariant/bootMode``.
    case boot
    /// The processor's architecture; see ``ImageArchitecture``.
    case arch

    /// The value of an axis that a variant has nothing to say about.
    public static let none = "none"

    /// Whether a text can be the value of an axis: lower-case letters, digits, `-`, `.` and `_`, so that an id needs no quotes in a shell.
    static func isValue(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || "-._".contains($0)) }
    }

    /// The order in which ids name them.
    public static func < (one: VariantAxis, other: VariantAxis) -> Bool { position(one) < position(other) }

    private static func position(_ axis: VariantAxis) -> Int { allCases.firstIndex(of: axis) ?? 0 }
}

/// The architectures of images, by Debian's names, and what their binaries say.
public enum ImageArchitecture: String, Sendable, Codable, CaseIterable {
    /// x86-64.
    case amd64
    /// AArch64.
    case arm64
    /// RISC-V, 64 bits.
    case riscv64

    /// `e_machine` in an ELF header (the System V ABI's `elf.h`).
    var elfMachine: Int {
        switch self {
        case .amd64: 62
        case .arm64: 183
        case .riscv64: 243
        }
    }

    /// `Machine` in the COFF header of an EFI program (Microsoft's PE format, "Machine Types").
    var coffMachine: Int {
        switch self {
        case .amd64: 0x8664
        case .arm64: 0xAA64
        case .riscv64: 0x5064
        }
    }
}
