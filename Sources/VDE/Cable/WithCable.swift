import LabEvents

/// Joins two ends by a cable, lends it to the body, and takes it away.
///
/// The cable runs on a thread of its own, which sleeps when there is nothing to do. An end at a switch is joined again when the switch comes
/// back after it had gone; a guest's end needs no one to be there.
///
/// - Parameters:
///   - name: the cable's name; the switch shows it, errors say it, decisions depend on it.
///   - first: one end.
///   - second: the other.
///   - seed: what decisions depend on.
///   - openLimit: how long switches may take to answer. 5 s by default; multiply by the host's pace.
///   - body: what is done while the ends are joined.
/// - Returns: what the body returns. Thread, sockets and descriptors are gone by then, also after a cancellation; only a switch that stands
///   still while it is being joined keeps one thread until it answers or ends.
/// - Throws: what the body throws; `CancellationError`; or a `Problem`: of kind `invalidInput` for ends that cannot be, `busy` when another
///   process has a guest's socket, `failure` when a socket cannot be made or a switch does not answer in time.
public func withCable<Result: Sendable>(
    _ name: String, from first: LinkEnd, to second: LinkEnd, seed: UInt64, openLimit: Duration = .seconds(5),
    body: (Cable) async throws -> Result
) async throws -> Result {
    for end in [first, second] { try end.validate() }
    guard first != second else {
        throw Problem(.invalidInput, "cable \(name) has one end twice", location: "\(first)", why: "frames would go round for ever")
    }
    let (opened, continuation) = AsyncStream<Bool>.makeStream()
    let worker = try CableWorker(name, first, second, seed: seed, opened: continuation)
    try worker.start()
    guard await withDeadline(openLimit, { await opened.first { $0 } }) != nil else {
        worker.stop()
        let problem = await worker.finish()
        if Task.isCancelled { throw CancellationError() }
        throw problem
            ?? Problem(
                .failure, "cable \(name) does not join its ends", location: "\(first) to \(second)",
                why: "waited \(openLimit) for the switch's answer; it gives none for a port it does not have or that is another user's",
                remedy: "use a port that the switch has (vde_switch -n)")
    }
    let outcome: Swift.Result<Result, any Error>
    do {
        outcome = .success(try await body(Cable(name: name, first: first, second: second, seed: seed, worker: worker)))
    } catch {
        outcome = .failure(error)
    }
    worker.stop()
    await worker.finish()
    return try outcome.get()
}
