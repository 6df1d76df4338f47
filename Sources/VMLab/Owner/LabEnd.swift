import FoundationEssentials
import Glibc
import LabEvents
import QEMU

/// Ends labs from outside.
public enum LabEnd {
    /// What there was to do.
    public enum Outcome: Sendable {
        /// The owner ended its lab.
        case ended
        /// The owner was gone; what it had left was cleaned up.
        case swept
        /// Nothing was left.
        case wasGone
    }

    /// How long an owner may take to end its lab.
    private static let limit = Duration.seconds(10)

    /// Ends the lab of a run.
    ///
    /// - Throws: a ``Problem`` when the owner does not end it.
    public static func end(_ run: RunDirectory) async throws -> Outcome {
        guard RunLock.isHeld(run) else {
            let wasThere = await sweep(run)
            FaultLedger.end(run)
            return wasThere ? .swept : .wasGone
        }
        // The connection ends with the owner; whether it does is seen by its lock.
        _ = try? await ControlClient.with(run) { client in
            var stop = ControlRequest(.stop)
            stop.reason = "vmlab down"
            try await client.call(stop)
        }
        let deadline = ContinuousClock.now + limit
        while RunLock.isHeld(run) || access(run.sockets, F_OK) == 0 {
            guard ContinuousClock.now < deadline else {
                throw Problem(
                    .failure, "the lab of run \(run.identifier) does not end", location: run.path + "/harness.log",
                    why: "its owner still holds it after \(limit.seconds) s",
                    remedy: "`vmlab ps` names the owner's process; killing it makes its watchdog end the lab")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return .ended
    }

    /// Cleans up after an owner and a watchdog that are both gone: ends what the run's records name, and removes its folders.
    ///
    /// - Returns: whether there was anything.
    @discardableResult
    public static func sweep(_ run: RunDirectory) async -> Bool {
        guard !RunLock.isHeld(run), access(run.sockets, F_OK) == 0 else { return false }
        await endProcesses(of: run)
        try? FileManager.default.removeItem(atPath: "/dev/shm/vmlab-\(run.identifier)")
        try? FileManager.default.removeItem(atPath: run.path + "/ram")
        for node in (try? FileManager.default.contentsOfDirectory(atPath: run.path + "/nodes")) ?? [] {
            for file in ["disk0.qcow2", "uefi-variables.fd"] { unlink("\(run.node(node))/\(file)") }
        }
        run.removeSockets()
        FaultLedger.end(run)
        return true
    }

    /// Kills what the run's records name, and waits until it has let go of everything, at most ``limit``.
    private static func endProcesses(of run: RunDirectory) async {
        // Where a process that is about to record itself does not find the folder any more, and so does not run. The watchdog may have done it.
        rename(run.processes, run.endedProcesses)
        let begin = ContinuousClock.now
        while ContinuousClock.now < begin + limit {
            var left = false
            for name in (try? FileManager.default.contentsOfDirectory(atPath: run.endedProcesses)) ?? [] {
                let text = (try? String(contentsOfFile: "\(run.endedProcesses)/\(name)", encoding: .utf8)) ?? ""
                // One that is being written; one whose writer died stays so.
                if text.isEmpty, ContinuousClock.now < begin + .milliseconds(200) { left = true }
                let fields = text.split(whereSeparator: \.isWhitespace)
                guard fields.count >= 2, let pid = Int32(fields[0]), let start = UInt64(fields[1]), pid > 1 else { continue }
                // By the time it started, since another process may have the number by now.
                guard ProcessRecord.startTime(pid: pid) == start, !ProcessRecord.hasLetGo(pid: pid) else { continue }
                kill(pid, SIGKILL)
                left = true
            }
            guard left else { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Cleans up after every lab of this user whose owner is gone; called before a new one starts.
    public static func sweepAll() async {
        guard let runtime = try? RunDirectory.runtime() else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: runtime)) ?? [] where RunDirectory.isIdentifier(name) {
            let sockets = "\(runtime)/\(name)"
            guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: sockets + "/run") else { continue }
            await sweep(RunDirectory(identifier: name, path: path, sockets: sockets))
        }
    }
}
