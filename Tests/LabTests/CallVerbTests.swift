import Foundation
import Testing

/// The verbs of waits and checks, as far as no lab is needed.
@Suite("Verbs of waits and checks", .tier(.contract))
struct CallVerbTests {
    /// Words that are refused before anything is asked, and what the error says.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var words: [String]
        var says: String
        var testDescription: String { words.joined(separator: " ") }
    }

    static let mistakes = [
        Mistake(words: ["succeed", "latest", "a"], says: "-- <command>"),
        Mistake(words: ["fail", "latest", "--", "false"], says: "Missing expected argument '<node>'"),
        Mistake(words: ["wait-until-succeeds", "latest", "a", "--timeout", "0", "--", "true"], says: "choose more than 0 seconds"),
        Mistake(words: ["wait-until-fails", "latest", "a", "--timeout", "inf", "--", "true"], says: "choose more than 0 seconds"),
        Mistake(words: ["wait", "unit", "latest", "a"], says: "Missing expected argument '<unit>'"),
        Mistake(words: ["wait", "port", "latest", "a", "65536"], says: "The port, 1 to 65535"),
        Mistake(words: ["wait", "closed-port", "latest", "a", "https"], says: "The port, 1 to 65535"),
        Mistake(words: ["wait", "tcp", "latest", "a", "b"], says: "Missing expected argument '<port>'"),
        Mistake(words: ["wait", "http", "latest", "a", "http://b/", "--status", "42"], says: "a number from 100 to 599, or any"),
        Mistake(words: ["wait", "console", "latest", "a"], says: "Missing expected argument '<pattern>'"),
        Mistake(words: ["wait", "patience", "latest", "a"], says: "patience"),
        Mistake(words: ["journal", "latest", "a", "-n", "-1"], says: "Missing value for '-n"),
        Mistake(words: ["succeed", "latest", "a", "--", "true"], says: "there are no runs"),
        Mistake(words: ["journal", "20261121", "a"], says: "there are no runs"),
    ]

    @Test("a mistake is said, with exit code 2", arguments: mistakes)
    func mistake(_ mistake: Mistake) async throws {
        try await World.with { world in
            let program = try world.start([World.vmlab] + mistake.words)
            #expect(try await program.wait() == .exited(2))
            #expect(program.stderr.contains(mistake.says), "\(program.stderr)")
            #expect(program.stdout.isEmpty)
        }
    }

    @Test("with --json the error is an object on standard output too")
    func json() async throws {
        try await World.with { world in
            let program = try await world.end(of: "wait", "port", "latest", "a", "80", "--json")
            #expect(program.end == .exited(2))
            struct Outcome: Decodable {
                struct Problem: Decodable { var kind: String }
                var passed: Bool
                var what: String
                var problem: Problem
            }
            let outcome = try JSONDecoder().decode(Outcome.self, from: Data(program.stdout.utf8))
            #expect(!outcome.passed && outcome.what == "there are no runs" && outcome.problem.kind == "invalidInput")
            #expect(program.stderr.hasPrefix("error: there are no runs"))
        }
    }

    @Test("the help names every verb, and every wait")
    func help() async throws {
        try await World.with { world in
            let all = try await world.end(of: "help")
            for verb in ["succeed", "fail", "wait-until-succeeds", "wait-until-fails", "wait", "journal"] {
                #expect(all.stdout.split(separator: "\n").contains { $0.hasPrefix("  \(verb) ") }, "\(verb)")
            }
            let waits = try await world.end(of: "wait", "--help")
            for wait in ["unit", "port", "closed-port", "tcp", "http", "file", "console", "journal"] {
                #expect(waits.stdout.split(separator: "\n").contains { $0.hasPrefix("  \(wait) ") }, "\(wait)")
            }
        }
    }
}
