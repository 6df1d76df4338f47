import LabEvents

extension Lab {
    /// The faults that are not healed, oldest first.
    public var openFaults: [OpenFault] { faults.open }

    /// Breaks something for the time of `body`, and heals it whatever happens: that it took effect is seen before `body` runs, and that it is gone before this
    /// returns, also when the task is cancelled.
    ///
    /// - Throws: what `body` throws; a ``Problem`` when the fault cannot be made, does not take effect in time, or does not heal.
    public func withFault<Result: Sendable>(_ fault: Fault, _ body: () async throws -> Result) async throws -> Result {
        let open = try await inject(fault)
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        do {
            try await faults.heal(open.id)
        } catch {
            // What went wrong under the fault says more than that it did not heal; the event of that is there too.
            _ = try result.get()
            throw error
        }
        return try result.get()
    }

    /// Breaks something until ``heal(_:)``; returns when its effect was seen. The end of the lab ends it too.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` for what the lab does not have; of kind `failure` when it did not take effect.
    @discardableResult
    public func inject(_ fault: Fault) async throws -> OpenFault { try await faults.inject(fault, try work(for: fault)) }

    /// Makes the faults of the owner before anew: its cables and what it did in turns are gone, and what it did to guests and switches is not.
    func renew(_ open: [OpenFault]) async {
        for before in open {
            do {
                _ = try await faults.inject(before.fault, try work(for: before.fault, isRenewed: true), id: before.id)
            } catch {
                events.problem(error as? Problem ?? Problem(.failure, "fault \(before.id) could not be taken over", why: "\(error)"))
            }
        }
    }

    /// Heals a fault and waits until its effect is gone.
    ///
    /// - Parameter id: its number; all that are open, the newest first, when nil.
    /// - Throws: a ``Problem`` when there is none of that number, or its end could not be confirmed.
    public func heal(_ id: Int? = nil) async throws {
        let open = openFaults
        if let id, !open.contains(where: { $0.id == id }) {
            throw Problem(
                .invalidInput, "there is no open fault \(id)",
                why: open.isEmpty ? "none is open" : "open are \(open.map { "\($0.id) (\($0.fault))" }.joined(separator: ", "))")
        }
        if let id { try await faults.heal(id) } else { try await faults.healAll() }
    }
}
