import Glibc
import LabEvents
import Synchronization

/// A file of the run directory that grows; everything in it has passed the redactor.
///
/// A write that fails (a full disk) loses its bytes and nothing else, and is reported once.
final class EvidenceFile: Sendable {
    private struct State {
        var descriptor: Int32
        var hasFailed = false
    }

    let path: String
    private let state: Mutex<State>
    private let onFailure: @Sendable (Problem) -> Void

    /// - Parameter onFailure: called at the first write that fails.
    init(_ path: String, onFailure: @escaping @Sendable (Problem) -> Void) {
        self.path = path
        self.onFailure = onFailure
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        state = Mutex(State(descriptor: descriptor))
        if descriptor < 0 { fail(errno) }
    }

    deinit { state.withLock { if $0.descriptor >= 0 { _ = close($0.descriptor) } } }

    func append(_ bytes: [UInt8]) {
        let code: Int32? = state.withLock { state in
            guard state.descriptor >= 0 else { return nil }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(state.descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return errno }
                rest = rest.dropFirst(count)
            }
            return nil
        }
        if let code { fail(code) }
    }

    func append(line: String) { append(Array(line.utf8) + [UInt8(ascii: "\n")]) }

    private func fail(_ code: Int32) {
        let isFirst = state.withLock { state in
            defer { state.hasFailed = true }
            return !state.hasFailed
        }
        if isFirst { onFailure(Self.problem(path, code)) }
    }

    /// What an error of a write to the run directory means.
    static func problem(_ path: String, _ code: Int32) -> Problem {
        let why = String(cString: strerror(code))
        guard code == ENOSPC || code == EDQUOT else {
            return Problem(.failure, "evidence cannot be written", location: path, why: why)
        }
        return .environment(
            .diskFull, "no space for the run's evidence", location: path, why: why,
            remedy: "free some space there, or set --state-dir to another disk")
    }
}
