import Testing

@testable import BuildRegistry

@Test func seed() {}
