/// How the API of a server looks from elsewhere. That its port is open says little about whether somebody is behind it.
public enum APIPresence: Sendable, Equatable {
    /// It answered, so many seconds after it was asked.
    case answers(status: Int, seconds: Double)
    /// Its port takes connections, and no answer comes.
    case silent(afterSeconds: Double)
    /// Its certificate is not trusted, and why.
    case untrusted(String)
    /// Nobody listens there.
    case refused
    /// Nothing comes back from there.
    case unreachable(String)

    /// What curl is to print for it (`-w`), on a line of its own.
    static let format = "\\n%{http_code} %{num_connects} %{time_total}"

    /// From curl's exit status and all that it printed, with ``format`` and `-v`, which alone tells a port where nobody listens from a host that is not there
    /// (curl(1), EXIT CODES and --write-out; `time_connect` stays 0 until TLS is done, too).
    ///
    /// - Returns: nil for what curl does not print.
    public init?(exit: Int, output: String) {
        let lines = output.split(separator: "\n")
        let said = lines.first { $0.hasPrefix("curl: ") }.map(String.init) ?? ""
        guard
            let (code, connections, total) = lines.lazy.compactMap({ line -> (Int, Int, Double)? in
                let words = line.split(separator: " ")
                guard words.count == 3, let code = Int(words[0]), let connections = Int(words[1]), let total = Double(words[2]) else {
                    return nil
                }
                return (code, connections, total)
            }).first
        else { return nil }
        switch exit {
        case 0: self = .answers(status: code, seconds: total)
        case 60: self = .untrusted(said)
        case 7 where output.contains("Connection refused"): self = .refused
        case 28 where connections > 0: self = .silent(afterSeconds: total)
        // The connection was made and ended while nothing had come.
        case 35, 52, 56: self = .silent(afterSeconds: total)
        default: self = .unreachable(said)
        }
    }

    /// Whether somebody answered.
    public var isAnswering: Bool { if case .answers = self { true } else { false } }
}

extension APIPresence: CustomStringConvertible {
    /// In a few words, such as `its port takes connections, and nobody answers for 10.0 s`.
    public var description: String {
        switch self {
        case .answers(let status, let seconds): "it answers \(status) after \(seconds) s"
        case .silent(let seconds): "its port takes connections, and nobody answers for \(seconds) s"
        case .untrusted(let why): "its certificate is not trusted: \(why)"
        case .refused: "nobody listens on its port"
        case .unreachable(let why): "nothing comes back from it: \(why)"
        }
    }
}
