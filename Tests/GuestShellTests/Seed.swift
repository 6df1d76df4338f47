import Testing

@testable import GuestShell

@Test func seed() {}
