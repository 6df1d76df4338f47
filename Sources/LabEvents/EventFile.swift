import Glibc
import Synchronization

/// The JSON Lines file of a run's events. It consists of whole lines at any time that it is read, also after the disk was full.
public final class EventFile: EventRecorder {
    /// The file's path.
    public let path: String
    private let onFailure: @Sendable (Problem) -> Void
    private let state: Mutex<State>

    private struct State {
        var descriptor: Int32
        /// The size to cut the file back to, while the rest of a half-written line is in it.
        var repair: off_t?
        var failure: Problem?
        var linesLost = 0
    }

    /// Opens the file, and makes it (readable by its owner alone) when it is absent. Lines are appended; half a line that a killed writer left is cut off.
    /// - Parameter onFailure: called once, with the first failure to write. Later events are still tried, so the file goes on when there is space again.
    /// - Throws: ``Problem`` when the file cannot be opened.
    public init(path: String, onFailure: @escaping @Sendable (Problem) -> Void = { _ in }) throws(Problem) {
        self.path = path
        self.onFailure = onFailure
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .writing("cannot open the file of events", at: path, code: errno) }
        state = Mutex(State(descriptor: descriptor, repair: Self.torn(descriptor)))
    }

    deinit {
        state.withLock { state in
            if state.descriptor >= 0 { _ = Glibc.close(state.descriptor) }
        }
    }

    /// The first failure to write; nil while there was none.
    public var failure: Problem? { state.withLock { $0.failure } }

    /// How many events are not in the file because they could not be written.
    public var linesLost: Int { state.withLock { $0.linesLost } }

    /// Appends an event's line.
    public func record(_ event: LabEvent) {
        let line = event.jsonLine() + [UInt8(ascii: "\n")]
        let problem: Problem? = state.withLock { state in
            let code = append(line, &state)
            guard code != 0 else { return nil }
            state.linesLost += 1
            guard state.failure == nil else { return nil }
            state.failure = .writing("cannot write the file of events", at: path, code: code)
            return state.failure
        }
        // Outside the lock: whoever hears of it may record an event of it.
        if let problem { onFailure(problem) }
    }

    /// Closes the file; later events count as lost.
    public func close() {
        state.withLock { state in
            if state.descriptor >= 0 { _ = Glibc.close(state.descriptor) }
            state.descriptor = -1
        }
    }

    private func append(_ line: [UInt8], _ state: inout State) -> Int32 {
        guard state.descriptor >= 0 else { return EBADF }
        if let size = state.repair {
            guard ftruncate(state.descriptor, size) == 0 else { return errno }
            state.repair = nil
        }
        let (written, code) = WholeWrite.write(line, to: state.descriptor)
        if code != 0, written > 0 {
            let size = lseek(state.descriptor, 0, SEEK_CUR) - off_t(written)
            if ftruncate(state.descriptor, size) != 0 { state.repair = size }
        }
        return code
    }

    /// The size without the half line at the end of a file; nil when it ends with a whole one, and for what is no plain file.
    private static func torn(_ descriptor: Int32) -> off_t? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var end = status.st_size
        var piece = [UInt8](repeating: 0, count: 4096)
        while end > 0 {
            let start = max(0, end - off_t(piece.count))
            let count = pread(descriptor, &piece, Int(end - start), start)
            guard count > 0 else { return nil }
            if let newline = piece[..<count].lastIndex(of: UInt8(ascii: "\n")) {
                let size = start + off_t(newline) + 1
                return size == status.st_size ? nil : size
            }
            end = start
        }
        return status.st_size == 0 ? nil : 0
    }
}
