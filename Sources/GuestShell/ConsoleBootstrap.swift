import NIOCore
import Synchronization

/// Reaches a root shell on a console and has it leave a control shell on the control port.
struct ConsoleBootstrap: Sendable {
    /// Which console, which decides what counts as a sign of life.
    enum Kind: Sendable {
        /// /dev/hvc0: the common test backdoor greets with `Spawning backdoor root shell...`.
        case backdoor
        /// ttyS0: a login, or a shell without one.
        case serial(GuestLogin?)
    }

    let kind: Kind
    let connection: PortConnection
    /// Ask at once instead of waiting for a greeting.
    let askAtOnce: Bool
    /// Receives what the console did last, for the error when nothing works.
    let note: @Sendable (String) -> Void

    /// How long a console must be silent before it is asked without an invitation, and how long until it is asked again.
    private static let patience = Duration.seconds(4)

    private enum Event: Sendable {
        case bytes(ByteBuffer?)
        case silence(Int)
    }

    /// Talks to the console until the control shell is there.
    func run() async throws {
        var transcript = ""
        var answer: Mark?
        var sawInvitation = askAtOnce
        var silence = 0
        if askAtOnce { answer = try await ask() }
        try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            group.addTask { .bytes(try await connection.next()) }
            group.addTask { try await Self.wait(0) }
            while let event = try await group.next() {
                switch event {
                case .bytes(nil): throw Ended()
                case .bytes(let bytes?):
                    silence += 1
                    group.addTask { [silence] in try await Self.wait(silence) }
                    transcript = String((transcript + String(decoding: bytes.readableBytesView, as: UTF8.self)).suffix(4096))
                    note(Self.lastLine(of: transcript))
                    if let answer, let verdict = Self.verdict(answer, in: transcript) {
                        guard verdict == "ok" || verdict == "port-busy" else { throw Refused(reason: verdict) }
                        return
                    }
                    if try await respond(to: &transcript, wasAsked: answer != nil) {
                        sawInvitation = true
                        answer = try await ask()
                    }
                    group.addTask { .bytes(try await connection.next()) }
                case .silence(let number) where number == silence:
                    // The greeting may have come before we listened, and a console may lose input while it is being set up.
                    if case .backdoor = kind, !sawInvitation, silence == 0 {
                        group.addTask { [silence] in try await Self.wait(silence) }
                        continue
                    }
                    if case .serial(.some) = kind, !sawInvitation {
                        try await connection.send("\n")
                    } else {
                        answer = try await ask()
                    }
                    silence += 1
                    group.addTask { [silence] in try await Self.wait(silence) }
                case .silence: break
                }
            }
        }
    }

    private static func wait(_ number: Int) async throws -> Event {
        try await Task.sleep(for: patience)
        return .silence(number)
    }

    private func ask() async throws -> Mark {
        let answer = Mark.random()
        // Ctrl-C ends whatever half a line a serial console's shell may be waiting to see completed; the backdoor's raw console has no such key.
        var start = GuestScripts.endOfQuotation
        if case .serial = kind { start = "\u{03}\n" }
        try await connection.send(start + GuestScripts.bootstrap(answer: answer))
        return answer
    }

    /// Answers a login; true when a shell is waiting.
    private func respond(to transcript: inout String, wasAsked: Bool) async throws -> Bool {
        switch kind {
        case .backdoor:
            guard transcript.contains("Spawning backdoor root shell") else { return false }
            transcript = ""
            return true
        case .serial(let login):
            let line = Self.prompt(of: transcript)
            if line.hasSuffix("login: "), let login {
                transcript = ""
                try await connection.send(login.user + "\n")
            } else if line.lowercased().hasSuffix("password: "), let login {
                transcript = ""
                try await connection.send((login.password ?? "") + "\n")
            } else if transcript.contains("Login incorrect"), let login {
                throw Refused(reason: "ttyS0 refused the login of \(login.user)")
            } else if line.hasSuffix("# "), !wasAsked {
                transcript = ""
                return true
            }
            return false
        }
    }

    /// What stands behind the last line end, without terminal control sequences.
    private static func prompt(of transcript: String) -> String {
        let line =
            transcript.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" }.last.map(String.init) ?? ""
        var plain = ""
        var inEscape = false
        for scalar in line.unicodeScalars {
            if inEscape {
                inEscape = !(scalar.properties.isAlphabetic)
            } else if scalar == "\u{1B}" {
                inEscape = true
            } else {
                plain.unicodeScalars.append(scalar)
            }
        }
        return plain
    }

    private static func lastLine(of transcript: String) -> String {
        let lines = transcript.unicodeScalars.split { $0 == "\n" || $0 == "\r" }
        return lines.last.map { "last line '\(String($0).prefix(100))'" } ?? "silent"
    }

    /// The word behind the answer's mark, when the whole line is there.
    private static func verdict(_ answer: Mark, in transcript: String) -> String? {
        guard let start = transcript.firstRange(of: answer.text + ":") else { return nil }
        let rest = transcript[start.upperBound...]
        guard let end = rest.unicodeScalars.firstIndex(where: { $0 == "\r" || $0 == "\n" }) else { return nil }
        return String(rest[..<end])
    }

    /// The console's socket was closed.
    struct Ended: Error {}

    /// The guest answered and cannot do it.
    struct Refused: Error {
        var reason: String
    }
}
