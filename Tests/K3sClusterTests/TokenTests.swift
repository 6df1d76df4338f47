import LabEvents
import Testing

@testable import K3sCluster

@Suite("Token", .tier(.unit))
struct TokenTests {
    private struct Forms: Decodable {
        struct Accepted: Decodable {
            var token: String
            var user: String?
            var password: String?
            var bootstrap: String?
            var written: String?
        }
        struct Refused: Decodable {
            var token: String
            var error: String
        }
        var source: String
        var accepted: [Accepted]
        var refused: [Refused]
    }

    @Test("k3s's own forms are read, and come out as they came in") func k3sFormsRead() throws {
        let forms: Forms = try Fixtures.yaml("token-forms.yaml")
        #expect(forms.accepted.count == 9)
        for form in forms.accepted {
            let text = form.token.replacing("HASH", with: String(repeating: "a1", count: 32))
            let token = try K3sToken(parsing: text + "\n")
            switch token.credentials {
            case .password(let user, let password): #expect(form.user == user && form.password == password, "\(form.token)")
            case .bootstrap(let id, let secret): #expect(form.bootstrap == "\(id).\(secret)", "\(form.token)")
            }
            #expect(token.secretText == form.written ?? text)
            #expect((token.caHash != nil) == form.token.hasPrefix("K10HASH"))
            #expect(try K3sToken(parsing: token.secretText) == token)
        }
    }

    @Test("What k3s refuses is refused in its words") func k3sRefusesRefused() throws {
        let forms: Forms = try Fixtures.yaml("token-forms.yaml")
        for form in forms.refused {
            let problem = #expect(throws: Problem.self, "\(form.token)") { try K3sToken(parsing: form.token) }
            #expect(problem?.what == form.error, "\(form.token)")
        }
    }

    @Test("A token shows itself nowhere but where it is asked for") func tokenShowsItself() throws {
        let token = try K3sToken(parsing: "K10\(String(repeating: "0", count: 64))::server:correct-horse")
        var dumped = ""
        dump(token, to: &dumped)
        for text in ["\(token)", String(reflecting: token), dumped, String(describing: [token])] {
            #expect(!text.contains("horse"), "\(text)")
        }
        let redactor = Redactor()
        try token.hide(in: redactor)
        let redacted = redactor.redact("x \(token.secretText) y correct-horse")
        #expect(!redacted.contains("horse") && redacted.hasSuffix("y [redacted:k3s-token]"))
    }

    @Test("Generated tokens are 32 hexadecimal digits, each another") func generatedTokens32() {
        let texts = Set((0..<50).map { _ in K3sToken.generated().secretText })
        #expect(texts.count == 50)
        #expect(texts.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
    }

    /// pkg/clientaccess/token.go:hashCA of k3s-io/k3s: the bytes of the file as they are, line end included.
    @Test("The hash of a CA is that of its bytes") func hashCABytes() {
        let bundle = Array("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".utf8)
        // printf … | sha256sum
        #expect(K3sToken.hash(ofCA: bundle) == "8010bfcee1842b2a4ce8f67c3e9455f0188f7a15bf39ec61a26feb75cd785821")
        #expect(K3sToken.hash(ofCA: bundle + bundle) == nil)
        #expect(K3sToken.hash(ofCA: []) == nil)
    }
}
