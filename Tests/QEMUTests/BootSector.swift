/// A guest of a few instructions: writes `hello` to the serial port, then does one thing.
enum BootSector: CaseIterable {
    /// Stands still.
    case idle
    /// Reports a kernel panic to pvpanic (port 0x505).
    case panic
    /// Resets the machine (port 0xcf9), at every boot again.
    case reset
    /// Powers off (q35's PM1a control, port 0x604).
    case powerOff

    /// A disk with the sector; 1 MiB because SeaBIOS does not boot from less than one cylinder.
    var disk: [UInt8] {
        var code: [UInt8] = [0xfa, 0xba, 0xf8, 0x03]  // cli; mov dx, 0x3f8
        for byte in "hello\n".utf8 { code += [0xb0, byte, 0xee] }  // mov al, byte; out dx, al
        switch self {
        case .idle: break
        case .panic: code += [0xba, 0x05, 0x05, 0xb0, 0x01, 0xee]
        case .reset: code += [0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee]
        case .powerOff: code += [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]
        }
        code += [0xf4, 0xeb, 0xfd]  // hlt; jmp to it
        return code + Array(repeating: 0, count: 510 - code.count) + [0x55, 0xaa] + Array(repeating: 0, count: (1 << 20) - 512)
    }
}
