import Foundation
import Glibc
import LabEvents
import Synchronization
import Testing

@testable import Fetching

/// `vmlab fetch` as its users run it.
@Suite("vmlab fetch", .tier(.contract), .timeLimit(.minutes(10)))
struct FetchProgramTests {
    private static let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../.build/debug/vmlab")
        .standardized.path

    /// Runs it to its end.
    private func run(_ words: [String], _ variables: [String: String] = [:]) async throws -> HostProgram.Outcome {
        var environment = ProcessInfo.processInfo.environment
        environment.merge(variables) { $1 }
        // Not through a HostProgram, which keeps variables of ours to itself.
        return try await HostProgram(path: "/usr/bin/env", environment: environment).output(
            variables.map { "\($0.key)=\($0.value)" } + [Self.program, "fetch"] + words, input: "")
    }

    private func start(_ words: [String], _ place: Place) throws -> ChildProcess {
        let null = try FileHandle(forReadingFrom: URL(filePath: "/dev/null"))
        return try ChildProcess.start([Self.program, "fetch"] + words, input: null.fileDescriptor, log: place.path + "/log")
    }

    private struct TimeOut: Error { var what: String }

    private func until(_ what: String, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !condition() {
            guard ContinuousClock.now < deadline else { throw TimeOut(what: what) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The processes of a session that descend from one.
    private func children(of pid: Int32) -> [Int32] {
        ((try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? "").split(separator: " ").compactMap {
            Int32($0)
        }
            + ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []).filter { $0 != "\(pid)" }.flatMap {
                thread in
                ((try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/children", encoding: .utf8)) ?? "").split(separator: " ")
                    .compactMap { Int32($0) }
            }
    }

    private func arguments(_ pid: Int32) -> String {
        String(decoding: FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data(), as: UTF8.self).replacingOccurrences(
            of: "\0", with: " ")
    }

    @Test("It fetches, says what it did, and refuses what makes no sense") func fetches() async throws {
        let (content, place) = (Content(100_000), try Place())
        let server = try Server { content.reply($0) }
        defer { server.close() }
        let outcome = try await run([server.url(), "--sha256", content.sha256, "-o", place.file, "--json"])
        let result = try JSONDecoder().decode(FetchResult.self, from: Data(outcome.output.utf8))
        #expect(outcome.exit == .exited(0) && result.bytes == 100_000 && result.path == place.file && place.bytes() == content.bytes)
        for words in [
            [server.url(), "-o", place.file], [server.url(), "--sha256", "abc", "-o", place.file],
            ["ftp://a/b", "--sha256", content.sha256, "-o", "x"],
            ["docker://a.example/b:latest", "-o", "oci:\(place.file)"],
            ["docker://a.example/b", "--sha256", content.sha256, "-o", place.file],
            [server.url(), "--sha256", content.sha256, "-o", "oci:\(place.file)"],
        ] {
            let outcome = try await run(words)
            #expect(
                outcome.exit == .exited(2) && outcome.errors.contains("error: ") && outcome.errors.contains("  do: "), "\(outcome.errors)")
        }
    }

    @Test("It goes on after ten cuts, with hardly a byte twice") func tenCuts() async throws {
        let size = Int(ProcessInfo.processInfo.environment["VMLAB_FETCH_BYTES"] ?? "") ?? (32 << 20)
        let (content, place) = (Content(size), try Place())
        let piece = size / 11
        let server = try Server { request in
            switch request.number {
            case 10...: content.reply(request)
            case let number where number % 2 == 0: content.reply(request, .reset(after: piece))
            default: content.reply(request, .closed(after: piece))
            }
        }
        defer { server.close() }
        let result = try await place.fetch(server.url(), content.sha256)
        let ratio = Double(server.sent) / Double(size)
        #expect(result.retries == 10 && server.requests.count == 11 && ratio <= 1.05, "\(ratio) of \(size) bytes, \(result)")
        #expect(FileDigest.ofFile(place.file)?.sha256 == content.sha256)
        print(
            "fetched \(size) bytes after 10 cuts: \(server.sent) on the wire, \((ratio * 10000).rounded() / 10000) of them, in \(result.seconds) s"
        )
    }

    @Test("Killed or interrupted, its children end with it, and the next run goes on", arguments: [SIGKILL, SIGINT]) func killed(
        _ signal: Int32
    ) async throws {
        let (content, place) = (Content(300_000), try Place())
        let server = try Server { $0.number == 0 ? content.reply($0, .stalled(after: 200_000)) : content.reply($0) }
        defer { server.close() }
        let words = [server.url(), "--sha256", content.sha256, "-o", place.file]
        let child = try start(words, place)
        let path = place.file + ".partial"
        try await until("200000 bytes are there") { place.bytes("file.partial")?.count == 200_000 }
        let curls = children(of: child.record.pid)
        #expect(curls.count == 1 && curls.allSatisfy { arguments($0).contains("curl") })
        child.signal(signal)
        let exit = await child.waitForExit()
        #expect(exit == (signal == SIGKILL ? .signalled(SIGKILL) : .exited(128 + signal)))
        try await until("curl has ended") { curls.allSatisfy { ProcessRecord.hasLetGo(pid: $0) } }
        #expect(FileManager.default.fileExists(atPath: path) && place.bytes() == nil)
        let outcome = try await run(words)
        #expect(
            outcome.exit == .exited(0) && place.bytes() == content.bytes && server.requests.last?.offset == 200_000, "\(outcome.errors)")
        #expect(server.requests.last?.fields["if-range"] == content.tag && !place.names.contains("file.partial"))
    }

    @Test("A planted secret is in no argument list, no event and no file") func plantedSecret() async throws {
        let (content, place) = (Content(300_000), try Place())
        let secret = "planted-4711-password"
        let server = try Server { $0.number == 0 ? content.reply($0, .stalled(after: 200_000)) : content.reply($0) }
        defer { server.close() }
        let file = place.path + "/docker/config.json"
        try FileManager.default.createDirectory(atPath: place.path + "/docker", withIntermediateDirectories: true)
        let pair = Data("me:\(secret)".utf8).base64EncodedString()
        try Data(#"{"auths": {"127.0.0.1:\#(server.port)": {"auth": "\#(pair)"}}}"#.utf8).write(to: URL(filePath: file))
        let temporary = place.path + "/tmp"
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
        let null = try FileHandle(forReadingFrom: URL(filePath: "/dev/null"))
        let child = try ChildProcess.start(
            [
                "/usr/bin/env", "DOCKER_CONFIG=\(place.path)/docker", "TMPDIR=\(temporary)", Self.program, "fetch",
                server.url("/file?sig=planted-query"),
                "--sha256", content.sha256, "-o", place.file,
            ], input: null.fileDescriptor, log: place.path + "/log")
        try await until("200000 bytes are there") { place.bytes("file.partial")?.count == 200_000 }
        #expect(server.requests.first?.fields["authorization"] == "Basic \(pair)")
        let curls = children(of: child.record.pid)
        #expect(curls.count == 1)
        for pid in curls {
            #expect(!arguments(pid).contains("planted") && !arguments(pid).contains(pair) && arguments(pid).contains("curl"))
        }
        child.signal(SIGKILL)
        _ = await child.waitForExit()
        try await until("curl has ended") { curls.allSatisfy { ProcessRecord.hasLetGo(pid: $0) } }
        try FileManager.default.removeItem(atPath: file)
        let left = place.everything
        #expect(!left.contains(secret) && !left.contains(pair) && !left.contains("planted-query") && left.contains("config.json"))
        let shared = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/shm")) ?? []
        #expect(!shared.contains { $0.hasPrefix("vmlab-\(child.record.pid)-") })
    }

    @Test(
        "An image's login is in no argument list and no file",
        .enabled("ci/setup installs docker-registry and skopeo") { Registry.program != nil })
    func imageLogin() async throws {
        let (kept, place) = (try Place(), try Place())
        let registry = try await Registry.start(in: kept.path)
        let forwarder = try Forwarder(to: registry.port) { $0.path.contains("/blobs/") ? .stall(after: 60_000) : .forward }
        defer { forwarder.close() }
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = environment["PATH"] ?? ""
        let words = Registry.login(forwarder.port).map { "\($0.key)=\($0.value)" }
        let null = try FileHandle(forReadingFrom: URL(filePath: "/dev/null"))
        let child = try ChildProcess.start(
            ["/usr/bin/env"] + words + [Self.program, "fetch", registry.source(forwarder.port), "-o", "oci:\(place.file)"],
            input: null.fileDescriptor, log: place.path + "/log")
        try await until("a blob has begun") {
            forwarder.requests.contains { $0.path.contains("/blobs/") && $0.fields["authorization"] != nil }
        }
        let tools = children(of: child.record.pid)
        #expect(tools.count == 1)
        for pid in tools { #expect(!arguments(pid).contains(Registry.password) && arguments(pid).contains("skopeo"), "\(arguments(pid))") }
        child.signal(SIGKILL)
        _ = await child.waitForExit()
        try await until("skopeo has ended") { tools.allSatisfy { ProcessRecord.hasLetGo(pid: $0) } }
        #expect(!place.everything.contains(Registry.password))
        await registry.end()
    }
}
