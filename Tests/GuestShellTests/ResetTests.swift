import Synchronization
import Testing

@testable import GuestShell

/// Guests that are lost again before they were reached. A socket of QEMU's takes one client, so what a lost guest leaves connected keeps everybody out.
@Suite("A guest lost while it is being reached", .tier(.unit), .timeLimit(.minutes(5)))
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

    @Test("A guest that obeys before it knows all its ports is ready when it knows them")
    func latePorts() async throws {
        let guest = try FakeGuest()
        let late: Set = [PortNames.worker(7), PortNames.output(9)]
        guest.unknown.withLock { $0 = late }
        try await guest.withShell { shell in
            var asked = 0
            for await line in guest.heard where line == "vports" {
                asked += 1
                if asked == 2 { break }
            }
            guest.unknown.withLock { $0 = [] }
            try await shell.waitUntilReady()
        }
    }

    @Test("Ports that never come: the error names them, also after a reboot")
    func missingPorts() async throws {
        let guest = try FakeGuest()
        guest.unknown.withLock { $0 = [PortNames.worker(7)] }
        try await guest.withShell(GuestShellOptions(readyTimeout: .milliseconds(300))) { shell in
            await shell.guestLost(.rebooted)
            let error = await #expect(throws: GuestShellError.self) {
                // What waits has its own limit; this asks again until the way in has given up.
                while true {
                    do { _ = try await shell.execute("true", timeout: .seconds(60)) } catch GuestShellError.noShell { continue }
                }
            }
            #expect(String(describing: error).contains("does not see the ports \(PortNames.worker(7))"))
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
