import Testing

@testable import QEMU

@Test func seed() {}
