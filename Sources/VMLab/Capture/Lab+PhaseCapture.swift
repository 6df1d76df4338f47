import LabEvents

extension Lab {
    /// Captures while a phase runs, under the phase's name; only runs `body` when there is nothing to capture.
    package func capture<Result: Sendable>(
        _ what: [String], during phase: String, _ body: () async throws -> Result
    ) async throws -> Result {
        guard !what.isEmpty else { return try await body() }
        return try await capture(what, name: captureBook.freeName(for: [phase]), body)
    }

    /// Begins what is to be captured during all phases.
    ///
    /// - Returns: the name of the capture; nil when there is none.
    func beginCapture(_ request: PhaseRequest) async throws -> String? {
        guard let what = request.capture, request.captureDuring == nil else { return nil }
        return try await startCapture(what, name: captureBook.freeName(for: what)).name
    }
}
