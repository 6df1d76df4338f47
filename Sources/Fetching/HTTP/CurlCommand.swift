import LabEvents

/// What curl is told: on its standard input, so that neither URL nor login is in a list of processes (curl(1), `--config`).
struct CurlCommand {
    /// Its arguments: no configuration of the user's own, and ours from standard input.
    static let arguments = ["--disable", "--config", "-"]

    /// The URL.
    var address: FetchAddress
    /// The login for it.
    var login: Login?
    /// The first byte that is wanted.
    var offset: Int64 = 0
    /// What the earlier bytes are known by; without it the checksum alone tells.
    var validator: String?
    /// How long nothing may come.
    var stall: Duration

    /// The configuration.
    var configuration: String {
        let seconds = max(1, stall.components.seconds)
        // Redirects are not followed: who gets the login is not curl's decision. No body is decoded: what is fetched is what has the checksum.
        var lines = [
            "url = \(Self.quoted(address.text))", "include", "no-buffer", "silent", "show-error", "globoff", "suppress-connect-headers",
            "proto = \"=http,https\"", "user-agent = \"vmlab\"", "connect-timeout = \(seconds)", "speed-limit = 1",
            "speed-time = \(seconds)",
        ]
        if let login, let user = login.user { lines.append("user = \(Self.quoted("\(user):\(login.secret)"))") }
        if offset > 0 {
            lines.append("range = \"\(offset)-\"")
            if let validator { lines.append("header = \(Self.quoted("If-Range: \(validator)"))") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A text between double quotes of a configuration file.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"", "\\": result += "\\" + String(character)
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(character)
            }
        }
        return result + "\""
    }

    /// Whether what curl ended with may pass: no answer from the network, or one that breaks off (curl(1), EXIT CODES).
    static func isTransient(_ exit: ProcessExit, _ words: String) -> Bool {
        // A proxy's refusal ends with 56 as a reset does.
        if words.contains("tunnel failed, response 4") { return false }
        switch exit {
        case .exited(let code): return [5, 6, 7, 16, 18, 28, 35, 52, 55, 56, 92, 95, 96].contains(code)
        // Ended by the kernel for lack of memory, or by someone.
        case .signalled, .unknown: return true
        }
    }
}
