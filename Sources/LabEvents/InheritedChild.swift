import Dispatch
import Glibc
import Synchronization

/// A child of this process that an earlier executable of the same process started (execve(2) keeps children): it can be waited for, and ended.
///
/// A library that starts processes knows only those that it started itself.
public final class InheritedChild: Sendable {
    /// How a child ended.
    public enum End: Sendable, Equatable {
        /// It exited with a status.
        case exited(Int32)
        /// A signal ended it.
        case signalled(Int32)
        /// It was no child of this process, or somebody else has collected its end.
        case unknown
    }

    private struct State {
        var end: End?
        var next = 0
        var waiters: [Int: CheckedContinuation<End?, Never>] = [:]
    }

    /// Its process id.
    public let pid: Int32
    private let state = Mutex(State())

    /// Watches a child.
    ///
    /// - Parameters:
    ///   - pid: its process id.
    ///   - startTime: field 22 of its /proc/PID/stat (proc(5)); when it differs the child is gone and the id is another's.
    public init(pid: Int32, startTime: UInt64, currentStartTime: (Int32) -> UInt64?) {
        self.pid = pid
        guard currentStartTime(pid) == startTime else {
            finish(.unknown)
            return
        }
        // waitpid(2) blocks, so it has a thread of its own; Swift cannot call pidfd_open(2).
        DispatchQueue(label: "vmlab.child.\(pid)").async { [self] in collect() }
    }

    /// How it ended; nil while it runs.
    public var end: End? { state.withLock { $0.end } }

    /// Sends a signal to it and its process group. Nothing happens when it has ended.
    public func send(_ signal: Int32) {
        guard end == nil else { return }
        // It leads a session, and so a group, of its own; not yet collected, its id is nobody else's.
        if kill(-pid, signal) != 0 { kill(pid, signal) }
    }

    /// Waits until it ends; nil when the calling task is cancelled first.
    public func waitForEnd() async -> End? {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isDone, end): (Bool, End?) = state.withLock { state in
                    if state.end != nil || Task.isCancelled { return (true, state.end) }
                    state.waiters[id] = continuation
                    return (false, nil)
                }
                if isDone { continuation.resume(returning: end) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: nil)
        }
    }

    /// Asks it to end (SIGTERM), kills it after `patience`, and waits until it is gone, even when the calling task is cancelled.
    public func terminate(patience: Duration) async {
        send(SIGTERM)
        if await waitInDetail(patience) { return }
        send(SIGKILL)
        _ = await waitInDetail(.seconds(5))
    }

    /// Whether it ended within a time. A cancelled task must wait too, so this looks instead of waiting.
    private func waitInDetail(_ limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while end == nil, ContinuousClock.now < deadline {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(5)) { continuation.resume() }
            }
        }
        return end != nil
    }

    private func collect() {
        var status: Int32 = 0
        var collected: pid_t
        repeat { collected = waitpid(pid, &status, 0) } while collected < 0 && errno == EINTR
        guard collected == pid else { return finish(.unknown) }
        let signal = status & 0x7F
        finish(signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal))
    }

    private func finish(_ end: End) {
        let waiters = state.withLock { state in
            if state.end == nil { state.end = end }
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: end) }
    }
}
