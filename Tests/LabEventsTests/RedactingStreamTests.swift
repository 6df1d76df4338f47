import Testing

@testable import LabEvents

@Suite(.tier(.unit)) struct RedactingStreamTests {
    static let key = """
        -----BEGIN RSA PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF

        MIIEowIBAAKCAQEAn0Yv0mYwZ0c3T2p1Vq8h1u9c2m4e6g8i0k2m4o6q8s0u2w4y
        6A8C0E2G4I6K8M0O2Q4S6U8W0Y2a4c6e8g==
        -----END RSA PRIVATE KEY-----
        """
    static let text = """
        first line
        password=hunter2 and known s3cr3tvalue
        \(key)
        after the key
        [   12.3] cat[1]: -----BEGIN OPENSSH PRIVATE KEY-----
        [   12.3] cat[1]: b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz
        [   12.3] eth0: link becomes ready
        [   12.3] cat[1]: c2gtZWQyNTUxOQAAACB1
        [   12.3] cat[1]: -----END OPENSSH PRIVATE KEY-----
        last, no newline
        """
    static let redacted = """
        first line
        password=[redacted:password] and known [redacted:x]
        [redacted:private-key]
        [redacted:private-key]
        [redacted:private-key]

        [redacted:private-key]
        [redacted:private-key]
        [redacted:private-key]
        after the key
        [   12.3] cat[1]: [redacted:private-key]
        [redacted:private-key]
        [   12.3] eth0: link becomes ready
        [redacted:private-key]
        [redacted:private-key]
        last, no newline
        """

    private func redactor() throws -> Redactor {
        let redactor = Redactor()
        try redactor.add(secret: "s3cr3tvalue", name: "x")
        return redactor
    }

    @Test(arguments: [1, 2, 7, 64, 100_000]) func `the pieces make no difference`(_ size: Int) throws {
        var stream = RedactingStream(redactor: try redactor())
        var output: [UInt8] = []
        var rest = Array(Self.text.utf8)[...]
        while !rest.isEmpty {
            output += stream.feed(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        output += stream.finish()
        #expect(String(decoding: output, as: UTF8.self) == Self.redacted)
        #expect(try redactor().redact(Self.text) == Self.redacted)
    }

    @Test func `whole lines come at once and the last one waits`() throws {
        var stream = RedactingStream(redactor: try redactor())
        #expect(stream.feed(Array("one\ntw".utf8)) == Array("one\n".utf8))
        #expect(stream.feed(Array("o".utf8)) == [])
        #expect(stream.feed(Array("\n".utf8)) == Array("two\n".utf8))
        #expect(stream.finish() == [])
    }

    @Test(arguments: Array(stride(from: 55_000, through: 75_000, by: 997))) func `a line too long to be held is cut beside its secrets`(
        _ place: Int
    ) throws {
        var stream = RedactingStream(redactor: try redactor())
        let fill = String(repeating: "x ", count: 40_000)
        let text =
            fill.prefix(place) + " --token abcdefgh s3cr3tvalue password=" + fill.prefix(5000).replacing(" ", with: "y") + " "
            + fill.prefix(90_000 - place)
        var output: [UInt8] = []
        var most = 0
        var rest = Array(text.utf8)[...]
        var taken = 0
        while !rest.isEmpty {
            let piece = rest.prefix(500)
            (rest, taken) = (rest.dropFirst(500), taken + piece.count)
            output += stream.feed(piece)
            most = max(most, taken - output.count)
        }
        output += stream.finish()
        let expected = text.replacing("abcdefgh", with: "[redacted:token]").replacing("s3cr3tvalue", with: "[redacted:x]")
        let value = fill.prefix(5000).replacing(" ", with: "y")
        #expect(String(decoding: output, as: UTF8.self) == expected.replacing("password=" + value, with: "password=[redacted:password]"))
        #expect(most < 85_000)
    }

    @Test func `of a secret longer than what is held nothing comes out`() throws {
        var stream = RedactingStream(redactor: try redactor())
        var output = stream.feed(Array("password=".utf8))
        for _ in 0..<40 { output += stream.feed([UInt8](repeating: 0x79, count: 5000)) }
        output += stream.feed(Array("yyy\nnext\n".utf8))
        output += stream.finish()
        #expect(String(decoding: output, as: UTF8.self) == "password=[redacted:password]\nnext\n")
    }

    @Test func `a key whose beginning was cut away is known by its end`() {
        let lines = Self.key.split(separator: "\n", omittingEmptySubsequences: false)
        let tail = "output:\n\n" + lines.suffix(3).joined(separator: "\n") + "\nafter"
        let mark = "[redacted:private-key]"
        #expect(Redactor().redact(tail) == "output:\n\n\(mark)\n\(mark)\n\(mark)\nafter")
    }

    @Test func `a key that never ends does not take the rest`() {
        let ordinary = (0..<40).map { "[    \($0).0] usb 1-1: new device" }
        let text =
            "-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEAn0Yv0mYw\n" + ordinary.joined(separator: "\n") + "\nMIIEowIBAAKCAQEAn0Yv0mYw"
        let mark = "[redacted:private-key]"
        #expect(Redactor().redact(text) == "\(mark)\n\(mark)\n" + ordinary.joined(separator: "\n") + "\nMIIEowIBAAKCAQEAn0Yv0mYw")
        #expect(
            Redactor().redact(#"{"k":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n","n":1}"#)
                == #"{"k":"\#(mark)\n","n":1}"#)
        let bundle =
            #"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\nMIIE\n-----END EC PRIVATE KEY-----\n"#
        #expect(Redactor().redact(bundle) == #"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n\#(mark)\n"#)
    }
}
