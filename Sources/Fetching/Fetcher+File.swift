import FoundationEssentials
import LabEvents

extension Fetcher {
    /// Fetches a file.
    ///
    /// The partial file `DESTINATION.partial` stays when this ends early, also by cancellation or a kill, and the next fetch of the same checksum
    /// goes on with it. A destination that has the checksum already is left alone; another file there is replaced once all is there. Of several
    /// processes with one destination one fetches and the others wait.
    /// - Throws: a ``Problem``: of kind `invalidInput` for a request that makes no sense; with the key `fetch-failed` for what cannot be had, and `disk-full`;
    ///   `CancellationError`.
    public func fetch(_ request: FetchRequest) async throws -> FetchResult {
        let begin = ContinuousClock.now
        let address = try FetchAddress(request.url)
        guard let sha256 = FileDigest.normalized(request.sha256) else {
            throw Problem(
                .invalidInput, "'\(request.sha256)' is no SHA-256", location: address.shown, why: "64 hexadecimal digits are needed",
                remedy: "take it from whoever publishes the file, or from sha256sum of one that you trust")
        }
        let destination = Self.absolute(request.destination)
        try await queue.run {
            try HostFolder.make(HostFolder.parent(destination))
            guard !HostFolder.exists(destination) else {
                throw Problem(
                    .invalidInput, "a folder is where the file is to be", location: destination, remedy: "give the file's own path")
            }
        }
        if let result = try await present(destination, sha256) { return result }
        let file = try await PartialFile.open(destination, sha256: sha256, queue: queue) { progress(.waiting(path: destination)) }
        // It may have come while this one waited.
        if let result = try await present(destination, sha256) {
            try await file.remove()
            return result
        }
        let login = try await login(for: address.hostWithPort)
        if file.bytes > 0 { progress(.resuming(bytes: file.bytes)) }
        let download = Download(fetcher: self, request: request, address: address, sha256: sha256, file: file, login: login)
        let (received, retries) = try await download.run()
        let seconds = (ContinuousClock.now - begin).seconds
        progress(.finished(path: destination, bytes: file.bytes, seconds: seconds))
        return FetchResult(
            path: destination, sha256: sha256, bytes: file.bytes, received: received, retries: retries, seconds: seconds,
            credentials: login.source.description)
    }

    private func present(_ destination: String, _ sha256: String) async throws -> FetchResult? {
        guard let found = try await queue.run({ FileDigest.ofFile(destination) }), found.sha256 == sha256 else { return nil }
        progress(.present(path: destination))
        return FetchResult(path: destination, sha256: sha256, bytes: found.bytes, received: 0, retries: 0, seconds: 0)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
