import Foundation
import Testing

@testable import LabEvents

@Suite(.tier(.unit)) struct RedactorTests {
    struct Shape: CustomTestStringConvertible {
        var text: String
        var redacted: String
        var testDescription: String { text }
        init(_ text: String, _ redacted: String) { (self.text, self.redacted) = (text, redacted) }
    }

    static let hash = String(repeating: "0a1b2c3d", count: 8)

    static let shapes: [Shape] = [
        .init("K3S_TOKEN=K10\(hash)::server:c0ffee k3s", "K3S_TOKEN=[redacted:token] k3s"),
        .init("token K10\(hash)::node:abc\" x", "token [redacted:k3s-token]\" x"),
        .init("K3S_TOKEN=secret1 k3s server", "K3S_TOKEN=[redacted:token] k3s server"),
        .init("k3s server --token abc --x", "k3s server --token [redacted:token] --x"),
        .init("k3s server --token=abc --x", "k3s server --token=[redacted:token] --x"),
        .init("k3s agent --agent-token 'a b' --x", "k3s agent --agent-token '[redacted:token]' --x"),
        .init(#"["k3s", "--token", "abc"]"#, #"["k3s", "--token", "[redacted:token]"]"#),
        .init(#"sh -c "k3s --token abc""#, #"sh -c "k3s --token [redacted:token]""#),
        .init(#"x --password 'it'\''s me' y"#, #"x --password '[redacted:password]' y"#),
        .init("x --password 'a''b'c, y", "x --password [redacted:password], y"),
        .init("Authorization: Bearer abc.def", "Authorization: Bearer [redacted:authorization]"),
        .init("curl -H 'authorization: basic dXNlcjpw' x", "curl -H 'authorization: basic [redacted:authorization]' x"),
        .init(#"{"Authorization":"Bearer abcd"}"#, #"{"Authorization":"Bearer [redacted:authorization]"}"#),
        .init(#"map[Authorization:[Bearer abcd] X:[y]]"#, #"map[Authorization:[Bearer [redacted:authorization]] X:[y]]"#),
        .init("sent Bearer 0123456789abcdef0123.", "sent Bearer [redacted:authorization]"),
        .init("https://user:pa55@host/x", "https://user:[redacted:url-password]@host/x"),
        .init("postgres://:p@ss@db:5432/x?y=z", "postgres://:[redacted:url-password]@db:5432/x?y=z"),
        .init("ghp_0123456789abcdefghijABCDEFGHIJ012345 x", "[redacted:git-token] x"),
        .init("github_pat_11ABCDEFG0123456789_abc", "[redacted:git-token]"),
        .init(
            "(gho_0123456789abcdefghij)(ghs_0123456789abcdefghij)(ghu_0123456789abcdefghij)",
            "([redacted:git-token])([redacted:git-token])([redacted:git-token])"),
        .init("glpat-0123456789abcdefghij;", "[redacted:git-token];"),
        .init("id AKIAIOSFODNN7EXAMPLE!", "id [redacted:aws-key-id]!"),
        .init("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [redacted:secret_access_key]"),
        .init(#"{"auth": "dXNlcjpwYXNz"}"#, #"{"auth": "[redacted:auth]"}"#),
        .init("password=xxxxxx token=*** user=y", "password=xxxxxx token=*** user=y"),
        .init("password=x user=y", "password=[redacted:password] user=y"),
        .init("MYSQL_ROOT_PASSWORD=a,b;c", "MYSQL_ROOT_PASSWORD=[redacted:password]"),
        .init("token: abc", "token: [redacted:token]"),
        .init("  password: hunter2 # mine", "  password: [redacted:password] # mine"),
        .init("root passwd: hunter2\r\nnext", "root passwd: [redacted:passwd]\r\nnext"),
        .init("token: a1b2c3d4e5 is used", "token: [redacted:token] is used"),
        .init(#"{"password":"a\"b","user":"u"}"#, #"{"password":"[redacted:password]","user":"u"}"#),
        .init(#"{"password":"end\\","user":"u"}"#, #"{"password":"[redacted:password]","user":"u"}"#),
        .init(#"{"password": 12345, "user": 1}"#, #"{"password": "[redacted:password]", "user": 1}"#),
        .init(#"{"body":"{\"client_secret\":\"abc\",\"n\":1}"}"#, #"{"body":"{\"client_secret\":\"[redacted:secret]\",\"n\":1}"}"#),
        .init(#"{"text":"password: abc\nuser: me"}"#, #"{"text":"password: [redacted:password]\nuser: me"}"#),
        .init("{'api_key': 'abc'}", "{'api_key': '[redacted:api_key]'}"),
        .init("    client-key-data: LS0tLS1CRUdJTiBF", "    client-key-data: [redacted:client-key-data]"),
        .init("GET /x?access_token=abc&y=1", "GET /x?access_token=[redacted:token]"),
        .init("jwt eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln,", "jwt [redacted:web-token],"),
    ]

    @Test(arguments: shapes) func `the shape of a secret is known without its value`(_ shape: Shape) {
        let once = Redactor().redact(shape.text)
        #expect(once == shape.redacted)
        #expect(Redactor().redact(once) == once)
    }

    @Test func `ordinary lines come through unchanged`() throws {
        let redactor = Redactor()
        try redactor.add(secret: "unrelated-5ecret", name: "x")
        let lines = ordinaryLines.split(separator: "\n").map(String.init)
        #expect(lines.count > 60)
        for line in lines { #expect(redactor.redact(line) == line) }
        #expect(redactor.redact(ordinaryLines) == ordinaryLines)
    }

    struct Form: CustomTestStringConvertible {
        var testDescription: String
        var write: @Sendable (String) throws -> String
        init(_ name: String, _ write: @escaping @Sendable (String) throws -> String) { (testDescription, self.write) = (name, write) }
    }

    static let forms: [Form] = [
        .init("raw") { $0 },
        .init("JSON") { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) },
        .init("JSON, ASCII only") { text in
            "\""
                + text.utf16.map {
                    $0 < 128 ? ($0 == 34 || $0 == 92 ? "\\" : "") + String(UnicodeScalar(UInt8($0))) : String(format: "\\u%04x", $0)
                }.joined()
                + "\""
        },
        .init("percent") { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "" },
        .init("percent in a query") { $0.addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed) ?? "" },
        .init("base64") { Data($0.utf8).base64EncodedString() },
        .init("base64 after 1") { Data("u:x\($0)".utf8).base64EncodedString() },
        .init("base64 after 2") { Data("u:xy\($0) and more".utf8).base64EncodedString() },
        .init("base64 after 3") { Data("u:xyz\($0)!".utf8).base64EncodedString() },
        .init("base64url") {
            Data("12\($0)3".utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        },
        .init("hex") { $0.utf8.map { String(format: "%02x", $0) }.joined() },
        .init("HEX") { $0.utf8.map { String(format: "%02X", $0) }.joined() },
        .init("shell") { "'" + $0.replacing("'", with: #"'\''"#) + "'" },
    ]

    @Test(arguments: forms, ["correct horse", "p/w+\"q\\<é>&'x", "abc123", "???>>>~~~"])
    func `a known value is found in every form`(_ form: Form, _ secret: String) throws {
        let redactor = Redactor()
        try redactor.add(secret: secret, name: "login")
        let written = try form.write(secret)
        let redacted = redactor.redact("before \(written) after")
        #expect(redacted.contains("[redacted:login]"))
        #expect(redacted.hasPrefix("before ") && redacted.hasSuffix(" after"))
        let left = redacted.dropFirst(7).dropLast(6).replacing("[redacted:login]", with: "")
        #expect(written.utf8.count - left.utf8.count >= secret.utf8.count)
    }

    @Test func `the longest value wins, and values that overlap go together`() throws {
        let redactor = Redactor()
        try redactor.add(secret: "abcdef", name: "short")
        try redactor.add(secret: "abcdefgh", name: "long")
        try redactor.add(secret: "ghijkl", name: "end")
        #expect(redactor.redact("xabcdefghx abcdefx") == "x[redacted:long]x [redacted:short]x")
        #expect(redactor.redact("abcdefghijkl.") == "[redacted:long].")
    }

    @Test func `values of several lines go line by line too`() throws {
        let redactor = Redactor()
        try redactor.add(secret: "first line of it\nshort\nthird line of it\n", name: "file")
        #expect(redactor.redact("a third line of it b") == "a [redacted:file] b")
        #expect(redactor.redact("first line of it\nshort\nthird line of it") == "[redacted:file]")
        #expect(redactor.redact("first line of it\r\nshort\r\nthird line of it") == "[redacted:file]")
        #expect(redactor.redact("short") == "short")
    }

    @Test(arguments: ["", "12345", "aaaaaaaaaa", " 12345 \n"]) func `values that would be found everywhere are refused`(_ value: String) {
        let problem = #expect(throws: Problem.self) { try Redactor().add(secret: value, name: "pin") }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.what.contains("'pin'") == true)
    }

    @Test func `a name cannot give the value away`() throws {
        let redactor = Redactor()
        try redactor.add(secret: "abcdef", name: "it is abcdef")
        try redactor.add(secret: "uvwxyz", name: "a [b] \n")
        #expect(redactor.redact("abcdef uvwxyz") == "[redacted:secret] [redacted:a--b---]")
    }

    @Test func `bytes that are no text stay as they are`() throws {
        let redactor = Redactor()
        try redactor.add(secret: "abcdef", name: "x")
        let noise = (0..<5000).map { _ in UInt8.random(in: 128...255) } + [0, 13, 10, 0xC3]
        #expect(redactor.redact(noise) == noise)
        #expect(redactor.redact(noise + Array("abcdef".utf8) + noise) == noise + Array("[redacted:x]".utf8) + noise)
        #expect(redactor.redact([]) == [] && redactor.redact([65]) == [65])
    }

    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            "password=", "token: x", "://", "eyJ", "--token ", "authorization:", "Bearer 1", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----",
            "PRIVATE KEY ", "K10", "\"password\":\"",
            "token:",
        ])
    func `no text takes long`(_ piece: String) {
        let text = Array(String(repeating: piece, count: 32_768 / piece.utf8.count).utf8)
        let took = ContinuousClock().measure { _ = Redactor().redact(text) }
        #expect(took < .seconds(5))
    }
}
