import LabEvents

/// Why a try did not bring all of the content.
enum AttemptFailure: Error {
    /// It may go better the next time: why in words, what the server asks to wait, what its reader may do about it.
    case transient(String, wish: Duration? = nil, remedy: String? = nil)
    /// It will not.
    case permanent(Problem)

    /// The problem of an effort that ended without time for another try.
    static func exhausted(
        _ what: String, at location: String, _ why: String, remedy: String?, patience: Patience, wish: Duration?, kept: String
    ) -> Problem {
        let end =
            wish.map { "it asks to wait \($0.inSeconds), and there are \(max(.zero, patience.rest).inSeconds) left" }
            ?? "no progress for \(patience.limit.inSeconds)"
        let tries = patience.tries == 1 ? "1 try" : "\(patience.tries) tries"
        return .fetch(
            "\(what) cannot be fetched", at: location, why: "\(why); \(end), \(tries)\(kept)",
            remedy: remedy ?? "run again, which goes on where this ended; look at the network and the host")
    }
}

extension Duration {
    /// `1.5 s`.
    var inSeconds: String {
        let value = Double(components.seconds) + Double(components.attoseconds) / 1e18
        return value >= 10 || value == value.rounded() ? "\(Int(value.rounded())) s" : "\((value * 10).rounded() / 10) s"
    }
}
