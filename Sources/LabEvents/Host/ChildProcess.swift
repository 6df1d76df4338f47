import Dispatch
import Glibc
import Synchronization

/// A child of this process that may outlive an exec(2) of it: started by this executable (``start(_:input:log:)``), or by the one that ran
/// in this process before (``attach(_:)``).
///
/// Both are watched in the same way, by a thread that waits for the end and reaps the child. Whoever has one ends it: nothing here does when
/// the last reference goes.
public final class ChildProcess: Sendable {
    private struct State {
        var exit: ProcessExit?
        var waiters: [UInt64: CheckedContinuation<ProcessExit?, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    /// The process.
    public let record: ProcessRecord
    private let state = Mutex(State())
    /// A serial queue gets a thread also when all of the shared pool's are busy, so a kill comes in time.
    private let signals = DispatchQueue(label: "vmlab.child-process.signals")

    init(record: ProcessRecord) {
        self.record = record
    }

    /// Attaches to a child that the executable before an exec of this process started. Once per child: it is reaped when it ends.
    ///
    /// - Throws: a problem of kind `failure` when the process is gone, its pid is another's now, or it is not a child of this process.
    public static func attach(_ record: ProcessRecord) throws(Problem) -> ChildProcess {
        let why: String
        switch ProcessRecord.startTime(pid: record.pid) {
        case nil: why = "there is no process \(record.pid)"
        case record.startTime where ProcessRecord.parent(pid: record.pid) == getpid():
            let child = ChildProcess(record: record)
            try child.watch()
            return child
        case record.startTime: why = "process \(record.pid) is not a child of this process (\(getpid()))"
        case let time?: why = "the process \(record.pid) of today started at \(time), not at \(record.startTime): it is another one"
        }
        throw Problem(
            .failure, "cannot attach to a process", location: "pid \(record.pid)", why: why,
            remedy: "take the lab down and start it again")
    }

    /// How the process ended; nil while it runs.
    public var exit: ProcessExit? { state.withLock { $0.exit } }

    /// Waits until the process has ended. Any number of tasks may wait.
    ///
    /// - Returns: how it ended; nil when the waiting task was cancelled first.
    public func waitForExit() async -> ProcessExit? {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            // A cancellation before the registration has already run its handler and found no waiter, so it is checked under the lock.
            await suspend(as: waiter) { Task.isCancelled }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(returning: nil)
        }
    }

    /// Sends a signal to the process, and with it to its process group where it leads one. Does nothing when it has ended.
    public func signal(_ number: Int32) {
        state.withLock { state in
            // Under the lock under which it is reaped, so that its pid cannot be another's.
            guard state.exit == nil else { return }
            _ = kill(getpgid(record.pid) == record.pid ? -record.pid : record.pid, number)
        }
    }

    /// Ends the process and waits until it is gone, also when the calling task is cancelled.
    ///
    /// - Parameters:
    ///   - grace: the time it has to end by itself, before SIGTERM.
    ///   - patience: the time from SIGTERM until SIGKILL. 200 ms by default.
    /// - Returns: how it ended.
    @discardableResult
    public func end(after grace: Duration = .zero, patience: Duration = .milliseconds(200)) async -> ProcessExit? {
        // A queue's timers, because the sleep of a cancelled task does not last.
        schedule(SIGTERM, after: grace)
        schedule(SIGKILL, after: grace + patience)
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await suspend(as: waiter) { false }
    }

    private func suspend(as waiter: UInt64, unless isOver: () -> Bool) async -> ProcessExit? {
        await withCheckedContinuation { (continuation: CheckedContinuation<ProcessExit?, Never>) in
            let (exit, isWaiting) = state.withLock { state -> (ProcessExit?, Bool) in
                if state.exit != nil || isOver() { return (state.exit, false) }
                state.waiters[waiter] = continuation
                return (nil, true)
            }
            if !isWaiting { continuation.resume(returning: exit) }
        }
    }

    private func schedule(_ signal: Int32, after delay: Duration) {
        let (seconds, attoseconds) = delay.components
        let time = DispatchTime.now() + .seconds(Int(seconds)) + .nanoseconds(Int(attoseconds / 1_000_000_000))
        signals.asyncAfter(deadline: time) { self.signal(signal) }
    }
}

extension ChildProcess {
    /// Starts the thread that waits for the end.
    func watch() throws(Problem) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<ChildProcess>.fromOpaque(context).takeRetainedValue().reap() }
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw Problem(.failure, "cannot watch a process", location: "pid \(record.pid)", why: String(cString: strerror(code)))
        }
        pthread_detach(thread)
    }

    /// Waits for the end, reaps the child and tells all who wait.
    private func reap() {
        var information = siginfo_t()
        // WNOWAIT leaves the pid taken until the lock is held.
        while waitid(P_PID, id_t(record.pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (exit, waiters) = state.withLock { state in
            var status: Int32 = 0
            let exit =
                waitpid(record.pid, &status, WNOHANG) == record.pid
                ? status & 0x7f == 0 ? ProcessExit.exited(status >> 8 & 0xff) : .signalled(status & 0x7f) : .unknown
            state.exit = exit
            defer { state.waiters = [:] }
            return (exit, state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }
}
