import Foundation
import Testing

@testable import GuestShell

/// A console that lost a part of what it was told, as the shells of guests take it.
@Suite("Consoles that lose input", .tier(.contract), .timeLimit(.minutes(5)))
struct LostInputTests {
    @Test("A shell that waits inside a quotation answers when it is asked again", arguments: ["bash", "dash"], ["'", "\""])
    func lost(_ shell: String, _ quote: String) throws {
        let answer = Mark.random()
        // The end of the first question is lost, and with it what ends the quotation.
        let script = "sh -c \(quote)modprobe virtio_console; vp=\n" + GuestScripts.endOfQuotation + GuestScripts.bootstrap(answer: answer)
        let output = try run(shell, script)
        #expect(output.contains(answer.text + ":"), "\(output)")
    }

    @Test("A shell that lost nothing answers once", arguments: ["bash", "dash"])
    func whole(_ shell: String) throws {
        let answer = Mark.random()
        let output = try run(shell, GuestScripts.endOfQuotation + GuestScripts.bootstrap(answer: answer))
        #expect(output.components(separatedBy: answer.text).count == 2, "\(output)")
    }

    /// What a shell says that is given a script line by line.
    private func run(_ shell: String, _ script: String) throws -> String {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [shell]
        // Without /sbin, where modprobe is: no module of this host is loaded.
        process.environment = ["PATH": "/bin:/usr/bin"]
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, FileHandle.nullDevice)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(script.utf8))
        try input.fileHandleForWriting.close()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return said
    }
}
