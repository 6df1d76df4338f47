import Fetching
import Foundation
import LabEvents
import Synchronization
import Testing

@Suite(
    "Fetching images from a registry", .tier(.contract),
    .enabled("ci/setup installs docker-registry and skopeo") { Registry.program != nil }, .timeLimit(.minutes(5)))
struct ImageTests {
    /// A registry and what stands before it, for as long as a test takes.
    private func with(
        _ decide: @escaping @Sendable (Server.Request) -> Forwarder.Deed = { _ in .forward },
        _ body: (Registry, Forwarder, Place) async throws -> Void
    ) async throws {
        let (place, kept) = (try Place(), try Place())
        let registry = try await Registry.start(in: kept.path)
        let forwarder = try Forwarder(to: registry.port, decide)
        defer { forwarder.close() }
        do {
            try await body(registry, forwarder, place)
        } catch {
            await registry.end()
            throw error
        }
        await registry.end()
    }

    /// Something that a test turns.
    private final class Flag: Sendable {
        private let state = Mutex(true)
        var value: Bool {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    private func isBlob(_ request: Server.Request) -> Bool { request.path.contains("/blobs/") && request.method == "GET" }

    @Test("An image comes with its login, whole, and once") func imageComes() async throws {
        try await with { registry, forwarder, place in
            let redactor = Redactor()
            let fetcher = place.fetcher(Registry.login(forwarder.port), redactor: redactor)
            let request = ImageRequest(source: registry.source(forwarder.port), destination: .layout(path: place.file))
            let result = try await fetcher.fetch(request)
            #expect(result.manifest == "sha256:\(registry.image.manifest)" && result.bytes > 600_000 && result.received >= result.bytes)
            for digest in registry.image.layers + [registry.image.manifest] {
                #expect(place.bytes("file/blobs/sha256/\(digest)").map(Content.sha256) == digest)
            }
            #expect(place.names == ["file"] && result.credentials?.contains("_USER") == true)
            let count = forwarder.requests.count
            #expect(try await fetcher.fetch(request).received == 0 && forwarder.requests.count == count)
            // A damaged one is fetched anew.
            try Data("x".utf8).write(to: URL(filePath: "\(place.file)/blobs/sha256/\(registry.image.layers[0])"))
            #expect(try await fetcher.fetch(request).received > 0)
            #expect(place.bytes("file/blobs/sha256/\(registry.image.layers[0])")?.count == 200_003)
            #expect(!(place.text + place.everything).contains(Registry.password))
            #expect(redactor.redact(Registry.password) != Registry.password)
        }
    }

    @Test("An archive has the same bytes each time") func archiveBytes() async throws {
        try await with { registry, _, place in
            let docker =
                #"{"auths": {"127.0.0.1:\#(registry.port)": {"username": "\#(Registry.user)", "password": "\#(Registry.password)"}}}"#
            for name in ["one", "two"] {
                _ = try await place.fetcher(docker: docker).fetch(
                    ImageRequest(source: registry.source(), destination: .archive(path: "\(place.path)/\(name)")))
            }
            #expect(place.bytes("one") == place.bytes("two") && place.bytes("one") != nil && place.names == ["one", "two"])
        }
    }

    @Test("Whole blobs are not fetched twice, neither by another try nor by another run") func wholeBlobs() async throws {
        let (isBroken, last) = (Flag(), Content.sha256(Image.layer(3, 200_000)))
        try await with { request in
            isBroken.value && request.path.contains(last) ? .reset(after: 60_000) : .forward
        } _: { registry, forwarder, place in
            let fetcher = place.fetcher(Registry.login(forwarder.port))
            var request = ImageRequest(
                source: registry.source(forwarder.port), destination: .layout(path: place.file), patience: .seconds(5))
            let problem = await place.problem { try await fetcher.fetch(request) }
            #expect(problem?.key == .fetchFailed && problem?.why?.contains("no progress for 5 s") == true, "\(String(describing: problem))")
            let kept = try FileManager.default.contentsOfDirectory(atPath: place.file + ".partial/blobs/sha256")
            #expect(kept.count >= 2 && !kept.contains(last) && problem?.why?.contains("stay in") == true)
            let before = forwarder.requests.count
            isBroken.value = false
            request.patience = .seconds(60)
            let result = try await fetcher.fetch(request)
            let again = forwarder.requests.dropFirst(before).map(\.path)
            #expect(
                !again.contains { path in kept.contains { path.hasSuffix("blobs/sha256:\($0)") } } && again.contains { $0.contains(last) })
            #expect(result.received < result.bytes && place.names == ["file"] && place.text.contains("going on after"))
        }
    }

    @Test("What passes is tried again") func whatPasses() async throws {
        let isBlob = isBlob
        try await with { request in
            guard isBlob(request), request.fields["authorization"] != nil else { return .forward }
            // The first try at every blob goes wrong, each in its way.
            if request.number > 0 { return .forward }
            return request.path.hashValue % 2 == 0 ? .reset(after: 60_000) : .answer(503)
        } _: { registry, forwarder, place in
            let result = try await place.fetcher(Registry.login(forwarder.port)).fetch(
                ImageRequest(source: registry.source(forwarder.port), destination: .layout(path: place.file)))
            #expect(result.retries >= 1 && result.manifest == "sha256:\(registry.image.manifest)" && place.names == ["file"])
        }
    }

    @Test("A registry that says nothing more is left, and asked again") func saysNothing() async throws {
        let isBlob = isBlob
        try await with {
            isBlob($0) && $0.number == 0 ? .stall(after: 60_000) : .forward
        } _: { registry, forwarder, place in
            let result = try await place.fetcher(Registry.login(forwarder.port)).fetch(
                ImageRequest(
                    source: registry.source(forwarder.port), destination: .layout(path: place.file), patience: .seconds(60),
                    stall: .seconds(5)))
            #expect(result.retries >= 1 && place.text.contains("nothing came for 5 s"))
        }
    }

    @Test("429 is waited for, and in the end named with the quota") func quota() async throws {
        let words =
            #"{"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit. https://www.docker.com/increase-rate-limit"}]}"#
        try await with { request in
            request.path.contains("/manifests/") && request.number == 0 ? .answer(429, [("Retry-After", "1")], body: words) : .forward
        } _: { registry, forwarder, place in
            let begin = ContinuousClock.now
            _ = try await place.fetcher(Registry.login(forwarder.port)).fetch(
                ImageRequest(source: registry.source(forwarder.port), destination: .layout(path: place.file)))
            #expect(ContinuousClock.now - begin >= .seconds(1) && forwarder.requests.count { $0.path.contains("/manifests/") } >= 2)
        }
        let place = try Place()
        // The API's version check is answered; everything else is too much.
        let server = try Server {
            $0.path == "/v2/" ? .text(200) : Server.Reply(status: 429, fields: [("Retry-After", "1")], body: Array(words.utf8))
        }
        defer { server.close() }
        let problem = await place.problem {
            try await place.fetcher().fetch(
                ImageRequest(
                    source: "127.0.0.1:\(server.port)/team/app", sha256: String(repeating: "a", count: 64),
                    destination: .layout(path: place.file),
                    patience: .seconds(3), stall: .milliseconds(1500)))
        }
        #expect(problem?.key == .fetchFailed && place.names.isEmpty)
        #expect(
            problem?.description.contains("VMLAB_REGISTRY_DOCKER_IO_USER") == true || problem?.why?.contains("nothing came") == true,
            "\(String(describing: problem))")
    }

    @Test("What does not pass ends it at once: no login, a wrong one, no such image, another digest") func whatDoesNotPass() async throws {
        try await with { registry, forwarder, place in
            func problem(_ variables: [String: String], _ source: String) async -> String {
                let problem = await place.problem {
                    try await place.fetcher(variables).fetch(ImageRequest(source: source, destination: .layout(path: place.file)))
                }
                #expect(problem?.key == .fetchFailed && place.names.isEmpty, "\(String(describing: problem)) \(place.names)")
                return problem?.description ?? ""
            }
            let source = registry.source(forwarder.port)
            let anonymous = await problem([:], source)
            #expect(anonymous.contains("no credentials were sent") && anonymous.contains("VMLAB_REGISTRY_127_0_0_1_\(forwarder.port)_USER"))
            var wrong = Registry.login(forwarder.port)
            wrong["VMLAB_REGISTRY_127_0_0_1_\(forwarder.port)_PASSWORD"] = "planted-wrong"
            let refused = await problem(wrong, source)
            #expect(refused.contains("_USER and …_PASSWORD") && !refused.contains("planted-wrong"))
            let absent = await problem(
                Registry.login(forwarder.port), "127.0.0.1:\(forwarder.port)/team/app@sha256:\(String(repeating: "a", count: 64))")
            #expect(absent.contains("manifest unknown"), "\(absent)")
            #expect(!place.said.contains { if case .retrying = $0 { true } else { false } }, "\(place.text)")
        }
    }

    @Test("A login does not go where blobs are redirected to") func loginStays() async throws {
        let kept = try Place()
        let image = try Image(in: kept.path + "/registry", layer: 200_000)
        let blobs = kept.path + "/registry/docker/registry/v2/blobs/sha256"
        let other = try Server { request in
            let digest = request.path.dropFirst()
            return Server.Reply(
                body: (FileManager.default.contents(atPath: "\(blobs)/\(digest.prefix(2))/\(digest)/data")).map { [UInt8]($0) } ?? [])
        }
        defer { other.close() }
        let port = other.port
        try await with { request in
            guard request.path.contains("/blobs/"), request.fields["authorization"] != nil,
                let digest = request.path.split(separator: ":").last
            else {
                return .forward
            }
            return .answer(307, [("Location", "http://localhost:\(port)/\(digest)")])
        } _: { registry, forwarder, place in
            #expect(registry.image.manifest == image.manifest)
            _ = try await place.fetcher(Registry.login(forwarder.port)).fetch(
                ImageRequest(source: registry.source(forwarder.port), destination: .layout(path: place.file)))
            #expect(other.requests.count >= 4 && other.requests.allSatisfy { $0.fields["authorization"] == nil })
        }
    }

    @Test("Something else at the place is not touched") func somethingElse() async throws {
        let place = try Place()
        try FileManager.default.createDirectory(atPath: place.file + "/mine", withIntermediateDirectories: true)
        let problem = await place.problem {
            try await place.fetcher().fetch(
                ImageRequest(source: "127.0.0.1:1/a", sha256: String(repeating: "a", count: 64), destination: .layout(path: place.file)))
        }
        #expect(problem?.kind == .invalidInput && FileManager.default.fileExists(atPath: place.file + "/mine"))
    }
}
