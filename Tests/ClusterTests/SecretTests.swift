import Foundation
import Testing

/// What must not be written anywhere.
@Suite("Secrets", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct SecretTests {
    @Test("A planted secret is in no file of the run directory and in no process's arguments")
    func planted() async throws {
        try await CommandLine.with { command in
            let registered = "Planted-\(UUID().uuidString)"
            let later = "Later-\(UUID().uuidString)"
            // Nobody told the harness of this one; it has the shape of a k3s token.
            let shaped = "K10" + String(repeating: "0a1b2c3d", count: 8) + "::server:" + String(repeating: "9f8e", count: 8)
            let outcome = try await command.run(
                ["run", "many-nodes", "--nodes", "2", "--keep", "--secret", "PLANTED"], environment: ["PLANTED": registered])
            try #require(outcome.code == 0, "\(outcome.stderr)")
            let run = outcome.run
            // On standard output, on the serial console by the guest's kernel and by a program, and in a command that fails.
            for (name, value) in [("PLANTED", registered), ("LATER", later)] {
                let said = try await command.succeed(
                    "execute", run, "n1", "--secret", name, "--",
                    "echo $\(name); echo value $\(name) >/dev/ttyS0; echo k $\(name) >/dev/kmsg",
                    environment: [name: value])
                #expect(said == value + "\n", "the command itself is not censored")
                _ = try await command.run(
                    ["execute", run, "n1", "--secret", name, "--", "echo \"$\(name)\" | base64 >/dev/ttyS0; echo no $\(name) >&2; exit 3"],
                    environment: [name: value])
            }
            try await command.succeed("execute", run, "n1", "-i", "--", "cat >/tmp/token; cat /tmp/token >/dev/ttyS0", input: shaped + "\n")
            _ = try await command.run(["execute", run, "n2", "--", "echo \(shaped); exit 1"])
            try await Self.wait(for: "redacted", in: command.path(run) + "/nodes/n1/serial.log")

            let forms = [registered, later, shaped].flatMap { secret in
                [secret, Data(secret.utf8).base64EncodedString(), Data((secret + "\n").utf8).base64EncodedString()].map { Data($0.utf8) }
            }
            for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(process) != nil {
                guard let arguments = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { continue }
                for form in forms { #expect(arguments.range(of: form) == nil, "in the arguments of process \(process)") }
            }
            try await command.succeed("down", run)
            var files = 0
            let folder = try #require(FileManager.default.enumerator(atPath: command.path(run)))
            for case let name as String in folder {
                guard let bytes = FileManager.default.contents(atPath: command.path(run) + "/" + name) else { continue }
                files += 1
                for form in forms { #expect(bytes.range(of: form) == nil, "\(name) has it") }
            }
            #expect(files > 10)
            // The places where they stood are there.
            let console = try String(contentsOfFile: command.path(run) + "/nodes/n1/serial.log", encoding: .utf8)
            #expect(console.contains("value [redacted:PLANTED]") && console.contains("value [redacted:LATER]"))
        }
    }

    private static func wait(for text: String, in path: String) async throws {
        try await Poll.until("'\(text)' is in \(path)", every: .milliseconds(20)) {
            try String(contentsOfFile: path, encoding: .utf8).contains(text) ? () : nil
        }
    }
}
