import FoundationEssentials
import LabEvents

/// Makes this executable the owner of a kept lab.
public enum LabTakeover {
    /// How long the new owner may take until it answers.
    private static let limit = Duration.seconds(60)

    /// Takes a lab over.
    ///
    /// - Parameter timeout: seconds that commands which run for other clients may take.
    /// - Returns: the build that owned it before.
    /// - Throws: a ``Problem`` when the lab is not kept, or its nodes do not obey the new owner in time.
    public static func take(_ run: RunDirectory, timeout: Double) async throws -> String {
        var request = ControlRequest(.takeover)
        request.timeout = timeout
        // Not the link in /proc: the owner is another process, and the file may be replaced by the next build before it looks.
        request.executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let chosen = request
        let previous = try await ControlClient.with(run) { client in
            do {
                try await client.call(chosen)
            } catch let problem as Problem where problem == ControlClient.gone {
                // The exec may close the connection before the answer is out.
            }
            return client.hello.build ?? "unknown"
        }
        let begin = ContinuousClock.now
        while true {
            let nodes = try? await ControlClient.with(run) { client in try await client.call(ControlRequest(.status)).nodes }
            if let nodes, nodes.allSatisfy({ $0.state != .booting }), try await isOurs(run) { return previous }
            guard begin.duration(to: .now) < limit, RunLock.isHeld(run) else {
                throw Problem(
                    .failure, "the lab was not taken over", location: run.path + "/harness.log",
                    why: RunLock.isHeld(run) ? "the new owner's nodes do not obey after \(limit.seconds) s" : "the new owner ended",
                    remedy: "the log of the owner says more")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private static func isOurs(_ run: RunDirectory) async throws -> Bool {
        try await ControlClient.with(run) { client in client.hello.build == Build.identifier }
    }
}
