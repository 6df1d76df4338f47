import Foundation
import LabEvents
import Testing

@testable import Fetching

@Suite("Fetching: values", .tier(.unit))
struct FetchingValueTests {
    @Test(
        "Images have their registry, repository and digest",
        arguments: [
            ("debian", "docker.io", "library/debian"), ("debian:12", "docker.io", "library/debian"),
            ("docker://user/app:1.0", "docker.io", "user/app"), ("registry.example/a/b:tag", "registry.example", "a/b"),
            ("docker://localhost:5000/app", "localhost:5000", "app"), ("127.0.0.1:5000/x/y:z", "127.0.0.1:5000", "x/y"),
            ("index.docker.io/library/k3s", "docker.io", "library/k3s"),
        ])
    func imagesHave(_ source: String, _ host: String, _ repository: String) throws {
        let digest = String(repeating: "a1", count: 32)
        let reference = try ImageReference(source + "@sha256:" + digest, sha256: nil)
        #expect(reference.host == host && reference.repository == repository && reference.sha256 == digest)
        #expect(reference.text == "docker://\(host)/\(repository)@sha256:\(digest)")
        #expect(try ImageReference(source, sha256: "sha256:" + digest.uppercased()) == reference)
        #expect(reference.isLoopback == (host.hasPrefix("localhost") || host.hasPrefix("127.")))
    }

    @Test("An image without a digest is refused, and so are two that differ") func imageWithoutDigest() {
        let (a, b) = (String(repeating: "a", count: 64), String(repeating: "b", count: 64))
        for (source, sha256) in [
            ("debian:12", nil), ("debian@sha256:\(a)", b), ("debian@md5:\(a)", nil), ("debian", "1234"), ("Debian", a), ("", a),
        ]
            as [(String, String?)]
        {
            let problem = #expect(throws: Problem.self) { try ImageReference(source, sha256: sha256) }
            #expect(problem?.kind == .invalidInput && problem?.remedy != nil, "\(source)")
        }
    }

    @Test("Only HTTP and HTTPS without a login are fetched, and queries are not shown") func onlyHTTP() throws {
        for url in [
            "ftp://a.example/x", "a.example/x", "file:///etc/passwd", "https://", "https://u:planted@a.example/x", "https://a.example/a b",
        ] {
            let problem = #expect(throws: Problem.self) { try FetchAddress(url) }
            #expect(problem?.kind == .invalidInput && problem?.description.contains("planted") == false, "\(url)")
        }
        let address = try FetchAddress("https://A.example:443/x?signature=planted#y")
        #expect(address.origin == "https://a.example" && address.shown == "https://A.example:443/x")
        #expect(try FetchAddress("http://a.example:8080/").hostWithPort == "a.example:8080")
    }

    @Test("A redirect is absolute or relative, and never gives HTTPS up") func redirectAbsolute() throws {
        let address = try FetchAddress("https://a.example/one/two?q=1")
        #expect(try address.redirected(to: "three").text == "https://a.example/one/three")
        #expect(try address.redirected(to: "/three?s=2").text == "https://a.example/three?s=2")
        #expect(try address.redirected(to: "//b.example/x").origin == "https://b.example")
        #expect(try FetchAddress("http://a.example/").redirected(to: "https://a.example/").origin == "https://a.example")
        for target in ["http://a.example/one", "ftp://a.example/", "file:///etc/passwd"] {
            let problem = #expect(throws: Problem.self) { try address.redirected(to: target) }
            #expect(problem?.key == .fetchFailed)
        }
    }

    @Test("A head comes in pieces of any size, after others that are no answers") func headPieces() {
        let text =
            "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/2 206 \r\nETag: \"a\"\r\nContent-Range: bytes 5-9/10\r\nX:  y \r\n\r\nBODY\r\n\r\n"
        for size in [1, 2, 7, 1000] {
            var (reader, body) = (ResponseReader(), [UInt8]())
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                body += reader.feed(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(reader.head?.status == 206 && reader.head?.validator == "\"a\"" && reader.head?.fields["x"] == "y")
            #expect(reader.head?.range?.first == 5 && reader.head?.range?.total == 10)
            #expect(String(decoding: body, as: UTF8.self) == "BODY\r\n\r\n")
        }
        #expect(ResponseHead(status: 200, fields: ["etag": "W/\"weak\"", "last-modified": "yesterday"]).validator == "yesterday")
        #expect(ResponseHead(status: 416, fields: ["content-range": "bytes */7"]).range?.total == 7)
    }

    @Test("Retry-After is seconds or a date") func retryAfter() throws {
        let now = try #require(RetryAfter.date("Sun, 06 Nov 1994 08:49:37 GMT"))
        #expect(now.timeIntervalSince1970 == 784_111_777)
        #expect(RetryAfter.duration("90", now: now) == .seconds(90))
        #expect(RetryAfter.duration("Sun, 06 Nov 1994 08:50:37 GMT", now: now) == .seconds(60))
        #expect(RetryAfter.duration("Sun, 06 Nov 1994 08:40:37 GMT", now: now) == .zero)
        for text in ["soon", "-1", "Sunday, 06-Nov-94 08:49:37 GMT", ""] { #expect(RetryAfter.duration(text, now: now) == nil) }
    }

    @Test("Waits grow, are not the same for two, and end when nothing comes") func waitsGrow() throws {
        let start = ContinuousClock.now
        var now = start
        var patience = Patience(limit: .seconds(60), now: { now }, random: { $0.upperBound })
        #expect(patience.pause(wish: nil) == .milliseconds(500))
        #expect(patience.pause(wish: nil) == .seconds(1))
        #expect(patience.pause(wish: nil) == .seconds(2))
        now = start + .seconds(50)
        #expect(patience.pause(wish: nil) == .seconds(4) && patience.pause(wish: .seconds(11)) == nil)
        patience.reached(10)
        #expect(patience.pause(wish: nil) == .milliseconds(500), "progress makes it patient again")
        now = start + .seconds(111)
        patience.reached(10)
        #expect(patience.pause(wish: nil) == nil, "the same bytes again are no progress")
        let waits = Set(
            (0..<20).map { _ -> Duration? in
                var patience = Patience(limit: .seconds(60))
                return patience.pause(wish: nil)
            })
        #expect(waits.count > 1)
    }

    @Test("curl reads what was meant, whatever is in it") func curlReads() throws {
        #expect(CurlCommand.quoted("a\"b\\c\td") == #""a\"b\\c\td""#)
        let command = CurlCommand(
            address: try FetchAddress("http://a.example/x"), login: Login(user: "u", password: "p\"\\q"), offset: 7, validator: "\"tag\"",
            stall: .milliseconds(10))
        let lines = command.configuration.split(separator: "\n").map(String.init)
        #expect(
            lines.contains(#"user = "u:p\"\\q""#) && lines.contains(#"header = "If-Range: \"tag\"""#) && lines.contains(#"range = "7-""#))
        #expect(lines.contains("speed-time = 1") && !lines.contains("location") && CurlCommand.arguments.first == "--disable")
    }

    @Test(
        "What skopeo says is sorted",
        arguments: [
            (
                "reading manifest 12 in docker.io/library/debian: toomanyrequests: You have reached your pull rate limit.",
                SkopeoCommand.Failure.quota
            ),
            ("unable to retrieve auth token: invalid username/password: unauthorized: authentication required", .refused),
            ("reading manifest: manifest unknown: manifest unknown", .absent), ("write /x: no space left on device", .noSpace),
            ("Manifest does not match provided manifest digest sha256:1", .permanent),
            ("read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer", .transient), ("unexpected EOF", .transient),
            ("received unexpected HTTP status: 503 Service Unavailable", .transient),
        ])
    func skopeoSays(_ words: String, _ failure: SkopeoCommand.Failure) {
        #expect(SkopeoCommand.failure("time=\"x\" level=fatal msg=\"\(words)\"") == failure)
    }

    @Test("Docker Hub's quota is named, with what to set") func dockerHubQuota() {
        func advice(_ host: String, _ source: CredentialSource, _ words: String = "") -> String? {
            HostLogin(host: host, source: source, isHidden: true).quotaAdvice(words)
        }
        let anonymous = advice("docker.io", .anonymous)
        #expect(anonymous?.contains("anonymous") == true && anonymous?.contains("VMLAB_REGISTRY_DOCKER_IO_USER") == true)
        #expect(advice("docker.io", .helper(name: "x"))?.contains("this login") == true)
        #expect(advice("mirror.example", .anonymous, "https://www.docker.com/increase-rate-limit")?.contains("DOCKER_IO") == true)
        #expect(advice("mirror.example", .anonymous, "slow down") == nil)
    }
}
