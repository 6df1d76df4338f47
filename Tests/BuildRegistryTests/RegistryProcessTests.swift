import Foundation
import Glibc
import LabEvents
import Testing

@testable import BuildRegistry

/// Several programs at once, and programs that are killed.
@Suite(.tier(.contract), .serialized)
struct RegistryProcessTests {
    /// The vmlab that was built with these tests.
    static let vmlab: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().path + "/vmlab"
    }()

    /// Starts `vmlab image …` with the fixture's registry and matrix.
    private func start(_ fixture: RegistryFixture, _ words: [String], log: String) throws -> ChildProcess {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(input) }
        return try ChildProcess.start(
            ["/usr/bin/env", "VMLAB_CACHE=\(fixture.cache)", "VMLAB_IMAGES=\(fixture.folder)", Self.vmlab, "image"] + words, input: input,
            log: log)
    }

    private func register(_ fixture: RegistryFixture, _ node: String, _ files: [String: String]) throws -> ChildProcess {
        let words = files.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return try start(fixture, ["register", "node=\(node),machine=vm"] + words, log: "\(fixture.folder)/\(node).log")
    }

    @Test(.timeLimit(.minutes(5))) func `eight processes register at once, with one kernel`() async throws {
        try await RegistryFixture.with { fixture in
            let nodes = (1...8).map { "n\($0)" }
            var children: [ChildProcess] = []
            for node in nodes { children.append(try register(fixture, node, try fixture.outputs(node, bytes: 2 << 20))) }
            for (node, child) in zip(nodes, children) {
                let log = try? String(contentsOfFile: "\(fixture.folder)/\(node).log", encoding: .utf8)
                #expect(await child.waitForExit() == .exited(0), "\(node): \(log ?? "")")
            }
            let images = try await fixture.registry.images()
            #expect(images.map(\.variant) == (try nodes.map { try fixture.variant("node=\($0),machine=vm").id }))
            for (node, image) in zip(nodes, images) {
                #expect(image.generation == 1)
                let made = "\(fixture.folder)/made-\(node)/disk.wic"
                #expect(image.artifact(.wic)?.sha256 == (try Digest.sha256(ofFile: made)))
            }
            let verification = try await fixture.registry.verify()
            #expect(verification.faults == [])
            #expect(verification.files == 9)
            #expect(try await fixture.registry.collect() == RegistryCollection())
        }
    }

    @Test(.timeLimit(.minutes(5))) func `of two that register the same bytes at once for two variants, one is refused`() async throws {
        try await RegistryFixture.with { fixture in
            let files = try fixture.outputs("same")
            let children = [try register(fixture, "n1", files), try register(fixture, "n2", files)]
            var ends: [ProcessExit?] = []
            for child in children { ends.append(await child.waitForExit()) }
            #expect(ends == [.exited(0), .exited(1)] || ends == [.exited(1), .exited(0)])
            #expect(try await fixture.registry.images().count == 1)
        }
    }

    /// `VMLAB_SOAK_KILLS` says how many; 50 with `VMLAB_SOAK=1`, else 4.
    static let kills: Int = {
        let environment = ProcessInfo.processInfo.environment
        return environment["VMLAB_SOAK_KILLS"].flatMap { Int($0) } ?? (environment["VMLAB_SOAK"] == "1" ? 50 : 4)
    }()

    @Test(.timeLimit(.minutes(20))) func `a registration that is killed anywhere leaves nothing wrong and loses nothing`() async throws {
        try await RegistryFixture.with { fixture in
            let bytes = 12 << 20
            let start = ContinuousClock.now
            let first = try register(fixture, "n1", try fixture.outputs("first", bytes: bytes))
            #expect(await first.waitForExit() == .exited(0))
            let whole = ContinuousClock.now - start
            var done = try await fixture.registry.images()
            for kill in 0..<Self.kills {
                let node = "n\(kill % 8 + 1)"
                let child = try register(fixture, node, try fixture.outputs("kill-\(kill)", bytes: bytes))
                // When it comes is chance, and so is how far the other has come; nothing depends on it.
                try await Task.sleep(for: whole * Double.random(in: 0.05...1.1))
                child.signal(SIGKILL)
                let end = await child.waitForExit()
                let images = try await fixture.registry.images()
                let verification = try await fixture.registry.verify()
                #expect(verification.faults == [], "kill \(kill), which ended \(String(describing: end))")
                // Nothing but this variant may differ, and a success is a promise.
                let id = try fixture.variant("node=\(node),machine=vm").id
                #expect(images.filter { $0.variant != id } == done.filter { $0.variant != id })
                let digest = try Digest.sha256(ofFile: "\(fixture.folder)/made-kill-\(kill)/disk.wic")
                let isThere = images.first { $0.variant == id }?.artifact(.wic)?.sha256 == digest
                if end == .exited(0) { #expect(isThere) }
                if !isThere { #expect(images.filter { $0.variant == id } == done.filter { $0.variant == id }) }
                done = images
                Folder.remove("\(fixture.folder)/made-kill-\(kill)")
            }
            _ = try await fixture.registry.collect()
            let images = try await fixture.registry.images()
            #expect(images == done)
            #expect(fixture.objects == Set(images.flatMap { $0.artifacts.map(\.sha256) }))
            #expect(Folder.names(in: fixture.registry.staging) == [])
            #expect(try await fixture.registry.verify().faults == [])
            let last = try register(fixture, "n8", try fixture.outputs("last", bytes: bytes))
            #expect(await last.waitForExit() == .exited(0))
        }
    }

    @Test(.timeLimit(.minutes(5))) func `the verbs lead from a build's folder to a lock and back`() async throws {
        try await RegistryFixture.with { fixture in
            func run(_ words: String...) async throws -> (end: ProcessExit?, text: String) {
                let log = "\(fixture.folder)/\(UUID().uuidString).log"
                let end = await (try start(fixture, words, log: log)).waitForExit()
                return (end, try String(contentsOfFile: log, encoding: .utf8))
            }
            let files = try fixture.outputs("one")
            let missing = try await run("show", "node=n1,machine=vm")
            #expect(missing.end == .exited(2))
            #expect(missing.text.contains("vmlab image build --variant server@machine=vm,profile=none,node=n1,boot=uefi,arch=amd64"))
            #expect(try await run("register", "node=n1,machine=vm", "--from", Folder.parent(files["wic"] ?? "")).end == .exited(0))
            #expect(try await run("lock").end == .exited(0))
            let lock = try RegistryLock(contentsOf: fixture.matrix.lockFile)
            #expect(lock == RegistryLock(try await fixture.registry.images()))
            #expect(try await run("diff").end == .exited(0))
            try await fixture.register("node=n2", "two")
            let differs = try await run("diff")
            #expect(differs.end == .exited(1))
            #expect(differs.text.split(separator: "\n").map { $0.prefix(1) } == ["+", "+"])
            #expect(try await run("verify").text == "2 images, 3 files, 2 MiB: 0 damaged\n")
            Folder.remove(fixture.registry.object(try #require(lock.entries.first { $0.name == "wic" }).sha256))
            let damaged = try await run("verify")
            #expect(damaged.end == .exited(1))
            #expect(damaged.text.contains("error: the registry is damaged"))
            let json = try await run("show", "node=n2", "--json")
            #expect(try JSONDecoder().decode([RegisteredImage].self, from: Data(json.text.utf8)).map(\.generation) == [1])
        }
    }
}
