import FoundationEssentials
import LabEvents
import SystemPackage

/// One try at a file: a request, and those that redirects lead to.
final class Attempt {
    private let download: Download
    private(set) var patience: Patience
    private(set) var received: Int64
    private var lastShown = ContinuousClock.now

    /// The most redirects that are followed.
    private static let redirects = 10

    init(download: Download, patience: Patience, received: Int64) {
        (self.download, self.patience, self.received) = (download, patience, received)
    }

    private var file: PartialFile { download.file }

    /// Makes the try.
    ///
    /// - Returns: an ``AttemptFailure`` when it does not bring the rest of the file; a ``Problem``; `CancellationError`.
    func end() async -> Result<Void, any Error> {
        do {
            return .success(try await run())
        } catch {
            return .failure(error)
        }
    }

    private func run() async throws {
        if let total = file.facts.total, file.bytes == total, total > 0 { return }
        var address = download.address
        for _ in 0...Self.redirects {
            guard let location = try await ask(address) else { return }
            do throws(Problem) {
                address = try address.redirected(to: location)
            } catch {
                throw AttemptFailure.permanent(error)
            }
            if address.origin != download.address.origin { download.fetcher.progress(.redirected(host: address.hostWithPort)) }
        }
        throw AttemptFailure.permanent(
            .fetch("\(download.address.shown) redirects without end", at: address.shown, why: "\(Self.redirects) redirects were followed"))
    }

    /// One request.
    ///
    /// - Returns: where it redirects to; nil when the file is whole.
    private func ask(_ address: FetchAddress) async throws -> String? {
        let source = FileDigest.of(download.address.text)
        let offset = file.bytes
        let facts = file.facts
        let command = CurlCommand(
            address: address, login: address.origin == download.address.origin ? download.login.login : nil, offset: offset,
            validator: facts.source == source ? facts.validator : nil, stall: download.request.stall)
        let program = HostProgram(
            path: try HostTool(name: "curl", package: "curl").locate(), environment: download.fetcher.environment)
        let input = try SecretInput.open(command.configuration)
        defer { try? input.close() }
        var reader = ResponseReader()
        var words: [UInt8] = []
        var meaning = Meaning.refusal
        let outcome = try await program.run(CurlCommand.arguments, input: input) { piece in
            let isFirst = reader.head == nil
            let body = reader.feed(piece)
            guard let head = reader.head else { return true }
            if isFirst { meaning = try await self.begins(head, at: address, offset: offset, source: source) }
            if meaning == .content {
                try await self.take(body)
                return true
            }
            words += body
            return words.count < 4096
        }
        guard let head = reader.head else { throw failure(outcome, address, body: false) }
        if let location = head.redirect { return location }
        if meaning == .complete { return nil }
        guard meaning == .content else { throw refusal(head, String(decoding: words, as: UTF8.self), address) }
        show(isLast: true)
        guard outcome.exit == .exited(0) else { throw failure(outcome, address, body: true) }
        if let total = file.facts.total, file.bytes < total {
            throw AttemptFailure.transient("\(address.hostWithPort) ended after \(file.bytes) of \(total) bytes")
        }
        return nil
    }

    /// What an answer's head says of what follows.
    private enum Meaning {
        /// The file's next bytes.
        case content
        /// There are no further ones.
        case complete
        /// Words.
        case refusal
    }

    /// Decides what a head means for the file.
    private func begins(_ head: ResponseHead, at address: FetchAddress, offset: Int64, source: String) async throws -> Meaning {
        switch head.status {
        case 200:
            if file.bytes > 0 {
                download.fetcher.progress(.remark("\(address.hostWithPort) begins anew: it has another file now, or gives no parts"))
                try await file.restart()
            }
            try await accept(head, total: head.length, address, source)
            return .content
        case 206:
            guard let range = head.range, range.first == offset,
                range.total == nil || file.facts.total == nil || range.total == file.facts.total
            else {
                try await file.restart()
                throw AttemptFailure.transient("\(address.hostWithPort) gives another part than was asked for")
            }
            if file.facts.source != source || file.facts.validator == nil { file.noteStitch() }
            try await accept(head, total: range.total, address, source)
            return .content
        case 416 where offset > 0:
            if let total = head.range?.total, total == offset {
                try await file.note(source: source, validator: file.facts.validator, total: total)
                return .complete
            }
            try await file.restart()
            throw AttemptFailure.transient("\(address.hostWithPort) has a file of another length now", wish: .zero)
        default: return .refusal
        }
    }

    private func accept(_ head: ResponseHead, total: Int64?, _ address: FetchAddress, _ source: String) async throws {
        let total = total ?? download.request.bytes
        if let wanted = download.request.bytes, let total, total != wanted {
            try await file.restart()
            throw AttemptFailure.permanent(
                .fetch(
                    "\(address.shown) has another length", at: address.shown, why: "it is \(total) bytes, and \(wanted) were asked for",
                    remedy: "look whether length and checksum belong to this version of the file"))
        }
        if let total, let free = file.free, free < total - file.bytes {
            throw AttemptFailure.permanent(
                .environment(
                    .diskFull, "no space for \(address.shown)", location: file.path,
                    why: "\(total - file.bytes) bytes are to come, and \(free) are free",
                    remedy: "free some space there, or use a folder on another disk"))
        }
        try await file.note(source: source, validator: head.validator, total: total)
    }

    private func take(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        if let wanted = download.request.bytes, file.bytes + Int64(bytes.count) > wanted {
            try await file.restart()
            throw AttemptFailure.permanent(
                .fetch(
                    "\(download.address.shown) has another length", at: download.address.shown,
                    why: "more than the \(wanted) bytes that were asked for come"))
        }
        try await file.append(bytes)
        received += Int64(bytes.count)
        patience.reached(file.bytes)
        show()
    }

    private func show(isLast: Bool = false) {
        guard isLast || ContinuousClock.now - lastShown > .milliseconds(200) else { return }
        lastShown = .now
        download.fetcher.progress(.progress(bytes: file.bytes, total: file.facts.total))
    }

    /// What an answer without the file means.
    private func refusal(_ head: ResponseHead, _ text: String, _ address: FetchAddress) -> AttemptFailure {
        let isOrigin = address.origin == download.address.origin
        // Whom no login was sent to is spoken of as such.
        let login = isOrigin ? download.login : HostLogin(host: address.hostWithPort, source: .anonymous, isHidden: download.login.isHidden)
        let words = download.fetcher.shown(text, login)
        let said = "\(address.hostWithPort) answered \(head.status)" + (words.isEmpty ? "" : ": \(words)")
        let wish = RetryAfter.duration(head.fields["retry-after"], now: Date())
        switch head.status {
        case 429:
            return .transient(
                "\(address.hostWithPort) answered 429, too many requests" + (words.isEmpty ? "" : ": \(words)"), wish: wish,
                remedy: login.quotaAdvice(text) ?? "wait, or use a login with more requests: \(Credentials.advice(login.host))")
        case 408, 425, 500...599: return .transient(said, wish: wish)
        case 401, 403, 407:
            return .permanent(login.refused("\(address.hostWithPort) refuses \(address.shown)", at: address.shown, said))
        default: return .permanent(.fetch("\(address.shown) cannot be fetched", at: address.shown, why: said))
        }
    }

    /// What curl's own failure means.
    private func failure(_ outcome: HostProgram.Outcome, _ address: FetchAddress, body: Bool) -> AttemptFailure {
        var words = download.fetcher.shown(outcome.errors, download.login)
        if let colon = words.firstRange(of: ") "), words.hasPrefix("curl: (") { words = String(words[colon.upperBound...]) }
        let place = body ? " after \(file.bytes) bytes" : ""
        let why = "\(address.hostWithPort)\(place): \(words.isEmpty ? "curl \(outcome.exit)" : words)"
        if CurlCommand.isTransient(outcome.exit, outcome.errors) { return .transient(why) }
        if outcome.exit == .exited(0) { return .transient("\(address.hostWithPort) gave no answer") }
        return .permanent(.fetch("\(address.shown) cannot be fetched", at: address.shown, why: why))
    }
}
