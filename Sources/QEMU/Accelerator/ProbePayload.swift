/// The probe guest: a boot sector, assembled from Payload/probe.S, and the answer that it computes.
enum ProbePayload {
    /// The code without the zeros that follow it, in hexadecimal; a test assembles the source and compares.
    private static let code = """
        fafcea077c000031c08ed88ed0bc007ce4920c0224fee692b800108ec031ff6631c0b9000c66f3ab2666c7060000031001002666c706001003200100
        bf002066b883000000b900022666890566050000200083c708e2f10f0116607d0f20c00c010f22c0ea697c080066b810008ed88ec08ed00f20e083c8
        200f22e0b8000001000f22d8b9800000c00f320d000100000f300f20c00d000000800f22c0eaa47c00001800bf0000200031c0b900000400f348ab49
        b82d7f954c2df4515849b94f8167f77e7b051431dbb801000000b900000400490fafc04c01c84889c748c1ef2b81e7f8ff1f00483187000020004803
        9f00002000ffc975dabe307d0000ac84c07404e6e9ebf7b91000000048c1c30488d8240f04303c3976020427e6e9ffc975eab00ae6e9b82a000000e7
        f4f4ebfd766d6c61622d70726f626520000f1f000000000000000000ffff0000009acf00ffff00000092cf00ffff0000009aaf001f00407d
        """

    /// What the guest writes to port 0xe9: the sum that its work came to. A test computes it anew.
    static let answer = "vmlab-probe 772af69d2cdb3c1e"

    /// The status with which QEMU exits when the guest leaves through isa-debug-exit with 0x2a.
    static let exitStatus: Int32 = 0x2a << 1 | 1

    /// The boot sector.
    static var sector: [UInt8] {
        let digits = code.compactMap(\.hexDigitValue)
        let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        return bytes + Array(repeating: 0, count: 510 - bytes.count) + [0x55, 0xaa]
    }

    /// A disk with the boot sector. 1 MiB, because SeaBIOS does not read a disk of less than one cylinder.
    static var disk: [UInt8] { sector + Array(repeating: 0, count: (1 << 20) - 512) }
}
