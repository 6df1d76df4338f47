import Foundation
import Testing

/// Several labs on one host.
@Suite("Labs side by side", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct SideBySideTests {
    @Test("Four runs at once do not disturb each other; one of them has a state folder with a path of 200 characters")
    func four() async throws {
        try await CommandLine.with { command in
            let long = command.state + "/" + String(repeating: "x", count: max(1, 200 - command.state.count - 1))
            #expect(long.count == 200)
            // One shell starts and awaits them, so that they really run at once.
            let output = command.state + "/output"
            try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
            var shell = command
            shell.executable = "/bin/sh"
            let script = """
                for n in 1 2 3; do ("$0" run two-nodes --timeout 400 >"$1/$n" 2>"$1/$n.err"; echo $? >"$1/$n.code") & done
                ("$0" run two-nodes --timeout 400 --state-dir "$2" >"$1/4" 2>"$1/4.err"; echo $? >"$1/4.code") &
                wait
                """
            _ = try await shell.run(["-c", script, command.executable, output, long])
            var ids: Set<String> = []
            for number in 1...4 {
                let code = try String(contentsOfFile: "\(output)/\(number).code", encoding: .utf8)
                let errors = try String(contentsOfFile: "\(output)/\(number).err", encoding: .utf8)
                #expect(code == "0\n", "\(errors)")
                ids.insert(try String(contentsOfFile: "\(output)/\(number)", encoding: .utf8))
            }
            #expect(ids.count == 4)
            let kept = try FileManager.default.contentsOfDirectory(atPath: long + "/runs").filter { $0 != "latest" }
            #expect(kept.count == 1)
            #expect(FileManager.default.fileExists(atPath: "\(long)/runs/\(kept.first ?? "")/result.json"))
        }
    }

    @Test("Two runs that need more memory than there is: the second refuses with the first one's name, or waits for it")
    func memory() async throws {
        try await CommandLine.with { command in
            // Guests that never touch what they are promised. Two labs with more than half of the host's memory each cannot fit beside each
            // other, whatever else ends meanwhile; what runs beside this test may keep the first one waiting for a while.
            let total = (sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))) >> 20
            let each = total * 55 / 100 / 2
            let first = try await command.run(["run", "many-nodes", "--nodes", "2", "--keep", "--memory", "\(each)", "--wait-for-memory"])
            try #require(first.code == 0, "\(first.stderr)")

            let second = try await command.run(["run", "many-nodes", "--nodes", "2", "--memory", "\(each)"])
            #expect(second.code == 3)
            #expect(second.stderr.contains("env: no-memory"))
            #expect(second.stderr.contains(first.run), "\(second.stderr)")

            async let third = command.run(["run", "many-nodes", "--nodes", "2", "--memory", "\(each)", "--wait-for-memory"])
            // By its folder: `ps` lists other tests' labs too. The folder is there a moment before its owner writes.
            try await Poll.until("the third run waits for memory", every: .milliseconds(50)) {
                let runs = try FileManager.default.contentsOfDirectory(atPath: command.state + "/runs")
                let events = runs.filter { ![first.run, second.run, "latest"].contains($0) }.flatMap { (try? command.events($0)) ?? [] }
                return events.contains { ($0["text"] as? String)?.contains("waiting for memory") == true } ? () : nil
            }
            try await command.succeed("down", first.run)
            let outcome = try await third
            #expect(outcome.code == 0, "\(outcome.stderr)")
        }
    }
}
