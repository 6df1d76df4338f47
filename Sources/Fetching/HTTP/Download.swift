import FoundationEssentials
import LabEvents

/// One file on its way: tries until it is there.
struct Download {
    let fetcher: Fetcher
    let request: FetchRequest
    let address: FetchAddress
    let sha256: String
    let file: PartialFile
    let login: HostLogin

    /// Brings all of it.
    ///
    /// - Returns: how many bytes came, and how many tries failed.
    func run() async throws -> (received: Int64, retries: Int) {
        var patience = Patience(limit: request.patience, furthest: file.bytes)
        var received: Int64 = 0
        while true {
            do {
                let attempt = Attempt(download: self, patience: patience, received: received)
                let end = await attempt.end()
                (patience, received) = (attempt.patience, attempt.received)
                try end.get()
                try await check()
                return (received, patience.tries)
            } catch AttemptFailure.transient(let why, let wish, let remedy) {
                guard let delay = patience.pause(wish: wish) else {
                    let kept = file.bytes > 0 ? "; \(file.bytes) bytes stay in \(file.path)" : ""
                    if file.bytes == 0 { try await file.remove() }
                    throw AttemptFailure.exhausted(
                        address.shown, at: address.shown, why, remedy: remedy, patience: patience, wish: wish, kept: kept)
                }
                try await fetcher.pause(why, delay)
            } catch AttemptFailure.permanent(let problem) {
                if file.bytes == 0 { try await file.remove() }
                throw problem
            }
        }
    }

    /// The whole has come; it is what was asked for, or goes.
    private func check() async throws {
        let found = file.digest
        if found == sha256 { return try await file.finish() }
        guard file.isStitched else {
            let count = file.bytes
            try await file.remove()
            throw AttemptFailure.permanent(
                .fetch(
                    "what \(address.shown) gives has another checksum", at: address.shown,
                    why: "SHA-256 is \(found), and \(sha256) was asked for; \(count) bytes, which are thrown away",
                    remedy: "look whether the checksum belongs to this version of the file; if it does, do not trust the host"))
        }
        // Also a part that a crash of the host left with holes.
        try await file.restart()
        throw AttemptFailure.transient("the checksum is another, and its parts may be of different files: from the beginning", wish: .zero)
    }
}
