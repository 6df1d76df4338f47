import Fetching
import Foundation
import LabEvents
import Synchronization
import Testing

@Suite("Fetching over HTTP", .tier(.contract), .timeLimit(.minutes(5)))
struct HTTPTests {
    private let content = Content(300_000)

    @Test("What passes is tried again until all is there") func whatPasses() async throws {
        let (content, place) = (content, try Place())
        let server = try Server { request in
            switch request.number {
            case 0: nil
            case 1: .text(503, "busy")
            case 2: content.reply(request, .reset(after: 100_000))
            case 3: content.reply(request, .closed(after: 50_000))
            case 4: content.reply(request, .stalled(after: 50_000))
            default: content.reply(request)
            }
        }
        defer { server.close() }
        let result = try await place.fetch(server.url(), content.sha256, bytes: 300_000, stall: .seconds(1))
        #expect(place.bytes() == content.bytes && place.names == ["file"])
        #expect(result.retries == 5 && result.bytes == 300_000 && result.sha256 == content.sha256)
        let asked = server.requests.dropFirst(3)
        #expect(asked.allSatisfy { $0.offset > 0 && $0.fields["if-range"] == "\"one\"" })
        #expect(zip(asked, asked.dropFirst()).allSatisfy { $0.offset < $1.offset })
        #expect(place.text.contains("answered 503: busy"))
        // A second time nobody is asked.
        let again = try await place.fetch(server.url(), content.sha256)
        #expect(again.received == 0 && server.requests.count == 6 && place.said.last == .present(path: place.file))
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var reply: Server.Reply
        var words: [String]
        var testDescription: String { "\(reply.status): \(words)" }
    }

    @Test(
        "What does not pass ends it at once, with one problem and nothing under the name",
        arguments: [
            Refusal(reply: .text(401, "who are you"), words: ["refuses", "401", "no credentials were sent", "VMLAB_REGISTRY_127_0_0_1_"]),
            Refusal(reply: .text(403), words: ["refuses", "403"]), Refusal(reply: .text(404, "<html>no"), words: ["404"]),
            Refusal(reply: .text(200, "something else"), words: ["another checksum", "thrown away"]),
            Refusal(reply: .text(302, "", [("Location", "ftp://x.example/y")]), words: ["redirects", "ftp"]),
            Refusal(reply: .text(302, "", [("Location", "/file")]), words: ["redirects without end"]),
        ])
    func whatDoesNotPass(_ refusal: Refusal) async throws {
        let place = try Place()
        let server = try Server { _ in refusal.reply }
        defer { server.close() }
        let problem = await place.problem { try await place.fetch(server.url("/file?sig=planted-query"), content.sha256) }
        let text = problem?.description ?? "it passed"
        #expect(problem?.key == .fetchFailed && problem?.exitCode == 3 && problem?.remedy != nil)
        for word in refusal.words { #expect(text.contains(word), "\(text)") }
        #expect(!text.contains("planted-query") && !text.contains("<html>"))
        #expect(place.names.isEmpty)
        #expect(!place.said.contains { if case .retrying = $0 { true } else { false } })
    }

    @Test("Another length than was asked for is refused before the content comes, and while it does") func anotherLength() async throws {
        let (content, place) = (content, try Place())
        let server = try Server { request in
            // Without a length in its head.
            request.path == "/long"
                ? Server.Reply(fields: [("Transfer-Encoding", "chunked")], body: Array("5\r\nabcde\r\n0\r\n\r\n".utf8))
                : content.reply(request)
        }
        defer { server.close() }
        let first = await place.problem { try await place.fetch(server.url(), content.sha256, bytes: 299_999) }
        #expect(first?.why?.contains("300000") == true && first?.what.contains("another length") == true)
        let second = await place.problem { try await place.fetch(server.url("/long"), content.sha256, bytes: 4) }
        #expect(second?.what.contains("another length") == true && place.names.isEmpty)
    }

    @Test("429 waits as long as it is told, in seconds and by a date", arguments: [true, false]) func waitsAsTold(isDate: Bool) async throws
    {
        let (content, place) = (content, try Place())
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = formatter.string(from: Date() + 3)
        let server = try Server { $0.number == 0 ? .text(429, "slow down", [("Retry-After", isDate ? date : "2")]) : content.reply($0) }
        defer { server.close() }
        let begin = ContinuousClock.now
        let result = try await place.fetch(server.url(), content.sha256)
        // A date has whole seconds, so between 2 and 3 are left of the 3; what the fetch had taken until then is the rest.
        #expect(ContinuousClock.now - begin >= .seconds(isDate ? 1 : 2) && result.retries == 1)
        let delays = place.said.compactMap { if case .retrying(_, let delay) = $0 { delay } else { nil } }
        #expect(delays.count == 1 && delays.allSatisfy { isDate || ($0 >= .seconds(2) && $0 < .seconds(3)) }, "\(delays)")
    }

    @Test("429 for longer than there is patience ends it, and names Docker Hub's quota") func waitsTooLong() async throws {
        let place = try Place()
        let words = "toomanyrequests: You have reached your pull rate limit: https://www.docker.com/increase-rate-limit"
        let server = try Server { _ in .text(429, words, [("Retry-After", "3600")]) }
        defer { server.close() }
        let problem = await place.problem { try await place.fetch(server.url(), content.sha256) }
        #expect(problem?.why?.contains("3600 s") == true && server.requests.count == 1)
        #expect(problem?.remedy?.contains("Docker Hub's quota for anonymous pulls") == true)
        #expect(problem?.remedy?.contains("VMLAB_REGISTRY_DOCKER_IO_USER") == true && place.names.isEmpty)
    }

    @Test("Without progress the patience ends, and what came stays") func patienceEnds() async throws {
        let (content, place) = (content, try Place())
        let server = try Server { $0.number == 0 ? content.reply($0, .closed(after: 1000)) : .text(500, "broken") }
        defer { server.close() }
        let problem = await place.problem { try await place.fetch(server.url(), content.sha256, patience: .seconds(4)) }
        #expect(
            problem?.key == .fetchFailed && problem?.why?.contains("answered 500: broken; no progress for 4 s") == true,
            "\(String(describing: problem))")
        #expect(place.names == ["file.partial", "file.partial.json"] && server.requests.count >= 2)
        #expect(place.bytes("file.partial") == Array(content.bytes[..<1000]))
    }

    @Test("A login goes to its host alone, not to where it redirects") func loginStays() async throws {
        let (content, place) = (content, try Place())
        let other = try Server { content.reply($0) }
        let server = try Server { [port = other.port] request in
            request.path == "/file"
                ? .text(307, "", [("Location", "/here")])
                : .text(302, "", [("Location", "http://127.0.0.1:\(port)/there?sig=planted-query")])
        }
        defer { for server in [server, other] { server.close() } }
        let secret = "planted-4711-password"
        let name = "VMLAB_REGISTRY_127_0_0_1_\(server.port)"
        // The other host has a login too, which is not asked for by whoever redirects.
        let otherName = "VMLAB_REGISTRY_127_0_0_1_\(other.port)"
        let variables = [
            "\(name)_USER": "me", "\(name)_PASSWORD": secret, "\(otherName)_USER": "you", "\(otherName)_PASSWORD": "another-secret",
        ]
        let result = try await place.fetcher(variables).fetch(
            FetchRequest(url: server.url(), destination: place.file, sha256: content.sha256))
        #expect(place.bytes() == content.bytes && result.credentials == "\(name)_USER and …_PASSWORD")
        let sent = "Basic " + Data("me:\(secret)".utf8).base64EncodedString()
        #expect(server.requests.map { $0.fields["authorization"] } == [sent, sent])
        #expect(other.requests.count == 1 && other.requests.allSatisfy { $0.fields["authorization"] == nil && $0.fields["cookie"] == nil })
        #expect(!other.requests.contains { request in request.fields.values.contains { $0.contains(secret) } })
        for text in [place.text, place.everything, "\(result)"] { #expect(!text.contains(secret) && !text.contains("planted-query")) }
    }

    @Test("A refused login is named and never shown, even when the host says it") func refusedLogin() async throws {
        let place = try Place()
        let server = try Server { .text(403, "no: \($0.fields["authorization"] ?? "") planted-4711-password") }
        defer { server.close() }
        let docker = #"{"auths": {"127.0.0.1:\#(server.port)": {"username": "me", "password": "planted-4711-password"}}}"#
        let redactor = Redactor()
        let problem = await place.problem {
            try await place.fetcher(docker: docker, redactor: redactor).fetch(
                FetchRequest(url: server.url(), destination: place.file, sha256: content.sha256))
        }
        let text = "\(String(describing: problem)) \(place.text)"
        #expect(
            text.contains("config.json") && !text.contains("planted")
                && !text.contains(Data("me:planted-4711-password".utf8).base64EncodedString()))
        #expect(redactor.redact("x planted-4711-password") == "x [redacted:127.0.0.1-\(server.port)-login]")
    }

    @Test("A content that changes meanwhile begins anew") func contentChanges() async throws {
        var new = Content(200_000, seed: 2)
        new.tag = "\"two\""
        let (content, place, changed) = (content, try Place(), new)
        let server = try Server { $0.number == 0 ? content.reply($0, .closed(after: 100_000)) : changed.reply($0) }
        defer { server.close() }
        let result = try await place.fetch(server.url(), changed.sha256)
        #expect(place.bytes() == changed.bytes && result.received == 300_000 && place.text.contains("begins anew"))
    }

    @Test("So does one of which nothing is known but its bytes") func nothingKnown() async throws {
        let (content, changed, place) = (content, Content(300_000, seed: 2), try Place())
        let server = try Server { request in
            var reply = (request.number == 0 ? content : changed).reply(request, request.number == 0 ? .closed(after: 100_000) : .whole)
            reply.fields.removeAll { $0.0 == "ETag" }
            return reply
        }
        defer { server.close() }
        let result = try await place.fetch(server.url(), changed.sha256)
        #expect(place.bytes() == changed.bytes && result.retries == 2 && server.requests.map(\.offset) == [0, 100_000, 0])
    }

    @Test("A partial file that is wrong costs one more try") func partialWrong() async throws {
        let (content, place) = (content, try Place())
        let server = try Server { $0.number == 0 ? .text(404) : content.reply($0) }
        defer { server.close() }
        try Data([UInt8](repeating: 7, count: 5000)).write(to: URL(filePath: place.file + ".partial"))
        try Data(#"{"sha256": "\#(content.sha256)", "total": 300000}"#.utf8).write(to: URL(filePath: place.file + ".partial.json"))
        _ = await place.problem { try await place.fetch(server.url(), content.sha256) }
        let result = try await place.fetch(server.url(), content.sha256)
        #expect(place.bytes() == content.bytes && result.retries == 1 && server.requests.map(\.offset) == [5000, 5000, 0])
        // Another content's partial file is nothing.
        try FileManager.default.removeItem(atPath: place.file)
        try Data(content.bytes[..<5000]).write(to: URL(filePath: place.file + ".partial"))
        #expect(try await place.fetch(server.url(), content.sha256).received == 300_000)
    }

    @Test("Another file at the place is replaced only by one that is right") func anotherReplaced() async throws {
        let (content, place) = (content, try Place())
        let server = try Server { $0.number == 0 ? .text(200, "wrong") : content.reply($0) }
        defer { server.close() }
        let folder = await place.problem {
            try await place.fetcher().fetch(FetchRequest(url: server.url(), destination: place.path, sha256: content.sha256))
        }
        #expect(folder?.kind == .invalidInput && server.requests.isEmpty)
        try Data("old".utf8).write(to: URL(filePath: place.file))
        _ = await place.problem { try await place.fetch(server.url(), content.sha256) }
        #expect(place.bytes() == Array("old".utf8) && place.names == ["file"])
        _ = try await place.fetch(server.url(), content.sha256)
        #expect(place.bytes() == content.bytes)
    }

    @Test("Of several at once, one fetches and the others wait") func severalAtOnce() async throws {
        let (content, place) = (content, try Place())
        let server = try Server { content.reply($0) }
        defer { server.close() }
        let received = try await withThrowingTaskGroup(of: Int64.self) { tasks in
            for _ in 0..<6 { tasks.addTask { try await place.fetch(server.url(), content.sha256).received } }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(received.filter { $0 > 0 } == [300_000] && server.requests.count == 1 && place.names == ["file"])
    }

    @Test("A full disk ends it at once, and what came stays") func fullDisk() async throws {
        let place = try Place()
        let server = try Server { _ in Server.Reply(body: [1], length: 1 << 60) }
        defer { server.close() }
        let problem = await place.problem { try await place.fetch(server.url(), content.sha256) }
        #expect(problem?.key == .diskFull && problem?.location == place.file + ".partial" && server.requests.count == 1)
    }
}
