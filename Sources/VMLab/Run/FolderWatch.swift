import Dispatch
import Glibc
import LabEvents
import Synchronization

/// Tells when files in folders grow (inotify(7)). One for all nodes of a lab.
final class FolderWatch: Sendable {
    private struct State {
        /// By the kernel's number of the folder, then by ours of the reader.
        var watchers: [Int32: [Int: AsyncStream<Void>.Continuation]] = [:]
        var next = 0
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    /// Dispatch's objects may be used from any thread; their Swift protocols do not say so.
    private nonisolated(unsafe) let source: any DispatchSourceRead

    init() throws(Problem) {
        descriptor = inotify_init1(O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Problem(
                .failure, "cannot watch files", why: "inotify: " + String(cString: strerror(errno)),
                remedy: "raise fs.inotify.max_user_instances with sysctl")
        }
        let descriptor = descriptor
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: DispatchQueue(label: "vmlab.folder-watch"))
        source.setCancelHandler { close(descriptor) }
        source.setEventHandler { [weak self] in self?.read() }
        source.resume()
    }

    deinit { source.cancel() }

    /// The changes of one folder, for one reader.
    struct Changes: Sendable {
        /// A value whenever something in the folder was written or made since the last one; one at once.
        let stream: AsyncStream<Void>
        fileprivate let continuation: AsyncStream<Void>.Continuation

        /// Ends the stream.
        func end() { continuation.finish() }
    }

    /// Watches a folder until the stream is ended or the task that reads it is cancelled.
    func changes(in folder: String) -> Changes {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            // Under the lock: for a folder that is watched already the kernel gives the same number again (inotify(7)).
            let watch = inotify_add_watch(descriptor, folder, UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO))
            guard watch >= 0 else { return }
            state.next += 1
            let identifier = state.next
            state.watchers[watch, default: [:]][identifier] = continuation
            continuation.onTermination = { [weak self] _ in self?.remove(watch, identifier) }
        }
        continuation.yield()
        return Changes(stream: stream, continuation: continuation)
    }

    private func remove(_ watch: Int32, _ identifier: Int) {
        state.withLock { state in
            state.watchers[watch]?[identifier] = nil
            guard state.watchers[watch]?.isEmpty == true else { return }
            state.watchers[watch] = nil
            inotify_rm_watch(descriptor, watch)
        }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return }
        var touched: Set<Int32> = []
        var offset = 0
        let header = MemoryLayout<inotify_event>.size
        while offset + header <= count {
            let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
            touched.insert(event.wd)
            offset += header + Int(event.len)
        }
        let watchers = state.withLock { state in touched.flatMap { state.watchers[$0].map { Array($0.values) } ?? [] } }
        for watcher in watchers { watcher.yield() }
    }
}
