public import LabEvents

/// Joins several network cards of a guest to one port of a switch for the time of the body, as the LACP partner of the guest's bond.
///
/// - Parameters:
///   - name: the name; errors say it, and the switch shows it.
///   - legs: the guest's cards, 1 to ``linkAggregationLegLimit``.
///   - port: the switch port, which should be nobody else's.
///   - system: the address that the guest sees as its partner's; unlike any other address in the lab.
///   - key: the key that the guest sees. It matters only where several link aggregations have one `system`: they need different ones.
///   - rate: how often the guest is asked to speak. How often it is spoken to is its own wish (`lacp_rate`).
///   - seed: decides which flow takes which leg.
///   - openLimit: how long the switch may take to answer. 5 s by default; multiply by the host's pace.
///   - body: what is done meanwhile. The switch port is joined by then, the guest need not be there.
/// - Returns: what the body returns. Thread, port and sockets are gone by then, also after a cancellation.
/// - Throws: what the body throws; `CancellationError`; or a `Problem`: of kind `invalidInput` for legs that cannot be; `busy` when another
///   process has a leg's socket; of kind `failure` when the switch cannot be joined in time.
public func withLinkAggregation<Result: Sendable>(
    _ name: String, legs: [LinkEnd], port: LinkEnd, system: MACAddress, key: UInt16 = 1, rate: LACPRate = .slow, seed: UInt64 = 0,
    openLimit: Duration = .seconds(5), body: (LinkAggregation) async throws -> Result
) async throws -> Result {
    try await withLinkAggregation(
        name, legs: legs, port: port, system: system, key: key, rate: rate, seed: seed, openLimit: openLimit, times: LACPTimes(), body: body
    )
}

/// The most legs of a link aggregation: as many as a guest has network cards at most, and no more than a poll of them all stays cheap.
public let linkAggregationLegLimit = 16

/// The same with other times.
func withLinkAggregation<Result: Sendable>(
    _ name: String, legs: [LinkEnd], port: LinkEnd, system: MACAddress, key: UInt16 = 1, rate: LACPRate, seed: UInt64 = 0,
    openLimit: Duration = .seconds(5), times: LACPTimes, body: (LinkAggregation) async throws -> Result
) async throws -> Result {
    try validate(name, legs, port, system)
    let (opened, openedContinuation) = AsyncStream<LinkAggregationWorker.Opening>.makeStream()
    let core = LinkAggregationCore(
        legs: legs.count, system: LACPSystem(address: system), key: key, rate: rate, seed: seed, times: times, at: .zero)
    let worker = try LinkAggregationWorker(
        name: name, legs: legs, port: port, core: core, opened: openedContinuation)
    try worker.start()
    let outcome: Swift.Result<Result, any Error>
    do {
        guard let answer = await withDeadline(openLimit, { await opened.first { _ in true } }) else {
            if Task.isCancelled { throw CancellationError() }
            throw worker.problem ?? worker.openingProblem
                ?? Problem(
                    .failure, "link aggregation \(name) cannot join the switch", location: port.description,
                    why: "waited \(openLimit) for its answer; it gives none for a port it does not have or that is another user's",
                    remedy: "use a port that the switch has (vde_switch -n)")
        }
        try answer.get()
        outcome = .success(try await body(LinkAggregation(worker)))
    } catch {
        outcome = .failure(error)
    }
    worker.stop()
    await worker.finish()
    return try outcome.get()
}

private func validate(_ name: String, _ legs: [LinkEnd], _ port: LinkEnd, _ system: MACAddress) throws(Problem) {
    let why: String
    if !(1...linkAggregationLegLimit).contains(legs.count) {
        why = "it has \(legs.count) legs; it needs 1 to \(linkAggregationLegLimit)"
    } else if Set(legs + [port]).count < legs.count + 1 {
        why = "one end is named twice"
    } else if system.bytes[0] & 1 != 0 || system.bytes.allSatisfy({ $0 == 0 }) {
        why = "\(system) is no address of a system: it is a group's, or nobody's"
    } else {
        for end in legs + [port] { try end.validate() }
        return
    }
    throw Problem(.invalidInput, "there can be no link aggregation \(name)", location: name, why: why)
}
