import Foundation
import Glibc
import LabEvents
import Testing

/// What CableBenchmark measures, a short time long.
@Suite("Speed of cables", .tier(.contract), .timeLimit(.minutes(5))) struct CableSpeedTests {
    @Test func `an idle cable carries no less than wirefilter, but for chance and a tenth`() async throws {
        try await SwitchFolder.with { folder in
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let program = URL(filePath: tests).deletingLastPathComponent().path + "/CableBenchmark"
            var ends: [Int32] = [-1, -1]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
            defer { for end in ends { close(end) } }
            let command = [program, "--rounds", "8", "--at-least", "0.9"]
            let benchmark = try ChildProcess.start(command, input: ends[0], log: folder.log)
            let exit = await benchmark.waitForExit()
            print(folder.words)
            #expect(exit == .exited(0), "\(folder.words)")
            #expect(folder.words.contains("met     over all"))
        }
    }
}
