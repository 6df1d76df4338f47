import ArgumentParser
import FoundationEssentials
import Glibc
import VDE

/// The cable, in a process of its own as wirefilter is: the scheduler shares the processors out by sessions first.
struct Carry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Join two ports by a cable until standard input ends.", shouldDisplay: false)

    @Argument(help: "A switch's folder.")
    var first: String

    @Argument(help: "Its port.")
    var firstPort: Int

    @Argument(help: "Another switch's folder.")
    var second: String

    @Argument(help: "Its port.")
    var secondPort: Int

    func run() async throws {
        try await withCable("c", from: .segment(first, port: firstPort), to: .segment(second, port: secondPort), seed: 1) { _ in
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
        }
    }
}
