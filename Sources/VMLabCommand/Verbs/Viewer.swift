import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import Synchronization
import VMLab

/// The foreground process of a run: shows the owner's events and passes signals on.
final class Viewer: Sendable {
    private let run: RunDirectory
    private let owner: OwnerProcess.Child
    private let request: RunRequest
    private let display: Display
    private let finished = Mutex<LabEvent.RunFinished?>(nil)
    /// What can be done with the lab. The events say which nodes it has; its owner may be on its way out when the lab is kept, and answer nobody.
    private let suggestion: Mutex<Suggestion>
    /// Open once a signal asked for the end.
    private let signalled = Gate<Int32>()
    /// Open once the viewer is to go without ending the lab.
    private let leaving = Gate<Int32>()

    /// How long the owner may take to end after a signal; then it is killed, and its watchdog ends the lab.
    private static let patience = Duration.milliseconds(5300)
    /// How long the watchdog may take.
    private static let watchdogLimit = Duration.seconds(5)

    init(run: RunDirectory, owner: OwnerProcess.Child, request: RunRequest, display: Display) {
        (self.run, self.owner, self.request, self.display) = (run, owner, request, display)
        suggestion = Mutex(Suggestion(run: run))
    }

    private enum End: Sendable {
        /// The lab is gone, kept or detached.
        case over
        /// The viewer goes, the lab stays.
        case left(Int32)
        /// The owner is gone and said nothing.
        case lost
    }

    /// Shows the run until its lab is gone or kept.
    ///
    /// - Returns: the exit code.
    func view(signals: AsyncStream<Int32>) async -> Int32 {
        let end = await withTaskGroup(of: End?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                await self.display.keepFresh()
                return nil
            }
            group.addTask {
                await self.watch(signals)
                return nil
            }
            group.addTask { (try? await self.owner.talk { client in try await self.follow(client) }) ?? .lost }
            for await end in group { if let end { return end } }
            return .lost
        }
        display.finish()
        if case .left(let signal) = end { return 128 + signal }
        if let signal = signalled.value {
            await owner.settle(run, atMost: Self.watchdogLimit)
            LostRun.record(run, cause: "the viewer got \(Interruption(signal: signal).name)", signal: signal)
            Terminal.error("ended by \(Interruption(signal: signal).name), everything is cleaned up")
            return 128 + signal
        }
        if case .lost = end { return await reportLoss() }
        return finished.withLock { $0?.exitCode } ?? 0
    }

    private func follow(_ client: ControlClient) async throws -> End {
        var view = ControlRequest(.view)
        view.console = display.wantsConsole
        view.follow = true
        let events = try await client.begin(view)
        return try await withThrowingTaskGroup(of: End?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for try await reply in events.replies {
                    guard let event = reply.event else { continue }
                    self.display.show(event)
                    if try await self.isEnd(event, client) { return .over }
                }
                return .lost
            }
            group.addTask {
                var stop = ControlRequest(.stop)
                (stop.signal, stop.reason) = (try await self.signalled.wait(), "the viewer")
                try await client.call(stop)
                return nil
            }
            group.addTask { .left(try await self.leaving.wait()) }
            for try await end in group { if let end { return end } }
            return .lost
        }
    }

    /// Whether nothing is left to see after an event.
    private func isEnd(_ event: LabEvent, _ client: ControlClient) async throws -> Bool {
        switch event.kind {
        case .runStarted(let started): suggestion.withLock { $0.nodes = started.nodes }
        case .runFinished(let end): finished.withLock { $0 = end }
        case .lab(let change) where change.state == .down: return true
        case .lab(let change) where change.state == .paused: display.say(suggestion.withLock(\.paused))
        case .lab(let change) where change.state == .kept:
            let suggestion = suggestion.withLock(\.self)
            display.say("kept: \(suggestion.attach)\ndrop: \(suggestion.drop)")
            return true
        case .lab(let change) where change.state == .booting && request.isDetached:
            try await client.call(ControlRequest(.detach))
            let suggestion = Suggestion(run: run)
            display.say("detached: \(suggestion.command("events", run.identifier, "-f"))\ndrop:     \(suggestion.drop)")
            return true
        default: break
        }
        return false
    }

    private func watch(_ signals: AsyncStream<Int32>) async {
        await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for await signal in signals {
                if signal == SIGHUP, request.keep == .always || request.isDetached {
                    // A closed terminal takes the viewer away; the lab was to stay without one.
                    leaving.open(signal)
                } else if signalled.value == nil {
                    signalled.open(signal)
                    display.say("ending the run; another Ctrl-C ends it at once")
                    group.addTask {
                        guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
                        self.owner.kill()
                    }
                } else {
                    owner.kill()
                }
            }
        }
    }

    /// The owner is gone without having said that the run is over.
    private func reportLoss() async -> Int32 {
        let (end, signal) = owner.end()
        await owner.settle(run, atMost: Self.watchdogLimit)
        if let signal, [SIGINT, SIGTERM, SIGHUP].contains(signal) {
            // It came before the owner listened for signals.
            let cause = "the owner got \(Interruption(signal: signal).name)"
            LostRun.record(run, cause: cause, signal: signal)
            Terminal.error("ended: \(cause), everything is cleaned up")
            return 128 + signal
        }
        let tail = (try? String(contentsOfFile: run.path + "/harness.log", encoding: .utf8))?.split(separator: "\n").last
        let problem = Problem(
            .failure, "the owner of the run is gone: it \(end)", location: run.path + "/harness.log",
            why: "its watchdog has ended the lab" + (tail.map { "; the log ends: \($0.suffix(300))" } ?? ""),
            remedy: "signal 9 comes from somebody, or from the kernel for lack of memory (dmesg); the evidence is in \(run.path)")
        LostRun.record(run, cause: problem.what)
        Terminal.error(problem.description)
        return problem.exitCode
    }
}
