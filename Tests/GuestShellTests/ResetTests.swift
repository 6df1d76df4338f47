import GuestShell
import Synchronization
import Testing

/// Guests that are lost again before they were reached. A socket of QEMU's takes one client, so what a lost guest leaves connected keeps everybody out.
@Suite("A guest lost while it is being reached", .tier(.unit), .timeLimit(.minutes(2)))
struct ResetTests {
    @Test("Reset while its control shell does not answer: the next boot is reached", arguments: [false, true])
    func deaf(alreadyUp: Bool) async throws {
        let guest = try FakeGuest()
        guest.isDeaf.withLock { $0 = true }
        var options = GuestShellOptions()
        options.alreadyUp = alreadyUp
        try await guest.withShell(options) { shell in
            for await line in guest.heard where line.hasPrefix("printf 'sync") { break }
            guest.isDeaf.withLock { $0 = false }
            await shell.guestLost(.rebooted)
            try await shell.waitUntilReady()
        }
    }

    @Test("Reset again and again, at any moment of the way in: the last boot is reached")
    func quickly() async throws {
        let guest = try FakeGuest()
        try await guest.withShell { shell in
            for round in 0..<300 {
                for _ in 0...(round % 3) {
                    await shell.guestLost(.rebooted)
                    for _ in 0..<Int.random(in: 0..<60) { await Task.yield() }
                }
                if round % 20 == 19 { try await shell.waitUntilReady() }
            }
        }
    }
}
