import Testing

@testable import BuildRegistry

@Suite(.tier(.unit))
struct BinaryMachineTests {
    @Test func `kernels are known by their headers`() {
        #expect(BinaryMachine.kernel(Bytes.bzImage) == .amd64)
        #expect(BinaryMachine.kernel(Bytes.image) == .arm64)
        #expect(BinaryMachine.kernel(Bytes.elf(62)) == .amd64)
        #expect(BinaryMachine.kernel(Bytes.elf(183)) == .arm64)
        #expect(BinaryMachine.kernel(Bytes.elf(3)) == nil)
        #expect(BinaryMachine.kernel(Array("a text".utf8)) == nil)
        #expect(BinaryMachine.kernel([]) == nil)
        var only32Bits = Bytes.bzImage
        only32Bits[0x236] = 0
        #expect(BinaryMachine.kernel(only32Bits) == nil)
    }

    @Test(arguments: [(0x8664, ImageArchitecture.amd64), (0xAA64, .arm64), (0x5064, .riscv64)])
    func `EFI programs are known by their COFF header`(machine: Int, architecture: ImageArchitecture) {
        var program = [UInt8](repeating: 0, count: 1024)
        (program[0], program[1], program[0x3C]) = (0x4D, 0x5A, 0x80)
        program.replaceSubrange(0x80..<0x86, with: [0x50, 0x45, 0, 0, UInt8(machine & 255), UInt8(machine >> 8)])
        #expect(BinaryMachine.kernel(program) == architecture)
        program[0x3F] = 0xFF
        #expect(BinaryMachine.kernel(program) == nil)
    }

    @Test func `a big-endian ELF file's machine is read as such`() {
        var program = Bytes.elf(0)
        (program[5], program[18], program[19]) = (2, 0, 22)
        #expect(BinaryMachine.elfMachine(program) == 22)
        #expect(BinaryMachine.elf(program) == nil)
    }
}
