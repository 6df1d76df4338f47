import Foundation
import Testing

/// A verb on a node, and what it comes to.
struct VerbCall: Sendable, CustomTestStringConvertible {
    /// The verb's words; RUN stands for the run.
    var words: [String]
    var code = 0
    /// What is in its standard output, for a verb without `--json`.
    var stdout = ""
    /// What its standard error has, the report of a wait among it; nil when it is empty.
    var stderr: String?
    /// What the error's `what` is in JSON; nil when there is none.
    var what: String?

    var testDescription: String { words.joined(separator: " ") }

    /// What `--json` prints.
    private struct Outcome: Decodable {
        struct Problem: Decodable {
            var what: String
            var why: String?
            var `where`: String?
        }
        var passed: Bool
        var what: String
        var seconds: Double?
        var tries: Int?
        var exit: Int?
        var stdout: String?
        var stderr: String?
        var problem: Problem?
    }

    /// A wait whose time is used up.
    static func late(_ words: [String], _ what: String) -> VerbCall {
        let end = words.firstIndex(of: "--") ?? words.endIndex
        return VerbCall(
            words: words[..<end] + ["--timeout", "1"] + words[end...], code: 1, stderr: "budget 'wait' 1.0 s",
            what: "budget 'wait' is used up: \(what)")
    }

    /// Makes the call twice, for people and for programs.
    func check(_ command: CommandLine, _ run: String) async throws {
        let words = words.map { $0 == "RUN" ? run : $0 }
        let plain = try await command.run(words)
        #expect(plain.code == code, "\(words): \(plain.stderr)")
        #expect(plain.stdout == stdout, "\(words)")
        if let stderr {
            #expect(plain.stderr.contains(stderr), "\(words): \(plain.stderr)")
        } else {
            #expect(plain.stderr.isEmpty, "\(words): \(plain.stderr)")
        }
        let end = words.firstIndex(of: "--") ?? words.endIndex
        let json = try await command.run(words[..<end] + ["--json"] + words[end...])
        #expect(json.code == code, "\(words) --json: \(json.stderr)")
        let outcome = try JSONDecoder().decode(Outcome.self, from: Data(json.stdout.utf8))
        #expect(outcome.passed == (code == 0))
        #expect(outcome.problem?.what == what, "\(words)")
        let isCommand = ["succeed", "fail"].contains(words[0])
        if let what {
            #expect(outcome.what == what)
            #expect(plain.stderr.contains("error: \(what)\n"), "\(words): \(plain.stderr)")
            // There is no source line to name.
            let place = outcome.problem?.where ?? ""
            #expect(!place.contains(".swift") && !place.contains("client"), "\(words): \(place)")
            // What a user is told of a wait is what a program is told.
            if code == 1, !isCommand { #expect(outcome.problem?.why?.contains("budget 'wait'") == true, "\(words)") }
        } else {
            #expect(outcome.seconds != nil && (isCommand ? outcome.tries == nil : (outcome.tries ?? 0) >= 1), "\(words)")
        }
        if isCommand, code == 0 { #expect((outcome.exit == 0) == (words[0] == "succeed") && outcome.stdout == stdout, "\(words)") }
    }
}
