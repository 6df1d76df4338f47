import Glibc
public import LabEvents

/// A running trunk, inside the scope of ``withTrunk(_:options:body:)`` or ``withAttachedTrunk(_:record:lifeline:options:body:)``.
///
/// It is not known to it that a switch ends: wirefilter 2.3.2 runs on then, and takes a processor, until its lifeline is closed. Whoever has
/// the switches sees their end.
public final class Trunk: Sendable {
    /// What the trunk is made of.
    public let configuration: TrunkConfiguration
    /// The descriptor whose other end is wirefilter's standard input; wirefilter ends when the last copy is closed. Close-on-exec is set:
    /// whoever hands it on across an exec of this process clears that for the moment. What is written to it would be a command.
    public var lifeline: Int32 { child.lifeline }
    let options: SwitchOptions
    let child: LifelineProcess
    var process: ChildProcess { child.process }

    init(configuration: TrunkConfiguration, options: SwitchOptions, child: LifelineProcess) {
        (self.configuration, self.options, self.child) = (configuration, options, child)
    }

    /// The process.
    public var record: ProcessRecord { process.record }

    /// Whether the process runs.
    public var isRunning: Bool { process.exit == nil }

    /// Waits until the process is gone. Any number of tasks may wait.
    ///
    /// - Returns: how it ended; nil when the waiting task was cancelled.
    public func waitForExit() async -> ProcessExit? { await process.waitForExit() }

    /// Waits until both ends are joined: wirefilter listens for commands from then on.
    ///
    /// - Returns: whether they were before the limit; false also when the process ended or the task was cancelled.
    func connect(within limit: Duration) async -> Bool {
        await withDeadline(limit) { () -> Bool? in
            while self.process.exit == nil, !Task.isCancelled {
                if LocalSocket(path: self.configuration.managementSocket).listener == self.record.pid { return true }
                // Nothing announces the socket; it is there a few milliseconds after the start.
                try? await Task.sleep(for: .milliseconds(5))
            }
            return nil
        } ?? false
    }

    /// Ends the process and removes what it leaves. Outlasts the cancellation of the calling task.
    func end() async {
        close(lifeline)
        await process.end(after: .milliseconds(500))
        LocalSocket(path: configuration.managementSocket).removeLeftover()
    }
}
