extension GuestShell {
    /// Beyond this many pairs held by background children, commands are spooled through files, so that the last pairs are not lost to one.
    static let heldLimit = PortNames.pairCount - 2

    /// A free pair for a worker: the one it used last, so that it need not be opened again, else any. Waits while all are in use.
    func takePair(for worker: Worker, _ guest: Guest) async throws -> OutputPair {
        guard await freePermits.acquire() else { throw CancellationError() }
        if let last = worker.pair, let index = freePairs.firstIndex(where: { $0 === last }) { return freePairs.remove(at: index) }
        let keepers = idle.filter { $0.keepsPair && $0 !== worker }
        if let index = freePairs.firstIndex(where: { pair in !keepers.contains { $0.pair === pair } }) {
            worker.pair = freePairs.remove(at: index)
        } else if let keeper = keepers.first(where: { keeper in freePairs.contains { $0 === keeper.pair } }), let pair = keeper.pair {
            freePairs.removeAll { $0 === pair }
            idle.removeAll { $0 === keeper }
            do {
                try await keeper.releasePair()
            } catch {
                // What it says next is not known; its ports close with it.
                dropLater(keeper, pair, guest)
                throw error
            }
            giveBack(keeper, guest)
            worker.pair = pair
        }
        guard let pair = worker.pair else { throw GuestShellError.channelBroken(node: node, detail: "the output ports are gone") }
        return pair
    }

    func returnPair(_ pair: OutputPair) {
        guard pairs[pair.index] === pair, !freePairs.contains(where: { $0 === pair }) else { return }
        freePairs.append(pair)
        freePermits.release()
    }

    /// Puts a pair aside that a background child holds.
    func hold(_ pair: OutputPair, of worker: Worker) {
        worker.pair = nil
        if pairs[pair.index] === pair { heldPairs.append(pair) }
    }

    /// Lets a worker try the pair that was put aside longest ago: its holder may be gone. At most every two seconds, as a failed try costs a few
    /// milliseconds.
    func probeHeldPair(with worker: Worker) {
        guard !heldPairs.isEmpty, lastProbe.duration(to: .now) > .seconds(2) else { return }
        lastProbe = .now
        worker.pair = heldPairs[0]
        retryHeldPair()
    }

    /// Gives the pair that was put aside longest ago another chance.
    func retryHeldPair() {
        guard !heldPairs.isEmpty else { return }
        returnPair(heldPairs.removeFirst())
    }

    /// Connects every pair of a guest that was just reached.
    func connectPairs(_ devices: [String: String], _ generation: Int) async throws -> [OutputPair] {
        var result: [OutputPair] = []
        for index in 0..<PortNames.pairCount {
            func port(_ name: String) async throws -> FramePort {
                guard let device = devices[name] else {
                    throw GuestShellError.channelBroken(node: node, detail: "the guest does not see the port \(name)")
                }
                return FramePort(connection: try await connectPort(name, generation), device: device)
            }
            let stdout = try await port(PortNames.output(index))
            result.append(OutputPair(index: index, stdout: stdout, stderr: try await port(PortNames.error(index))))
        }
        return result
    }
}
