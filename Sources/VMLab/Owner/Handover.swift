import BuildRegistry
import FoundationEssentials
import Glibc
import LabEvents

/// What an owner leaves to the executable that takes its place.
///
/// The owner becomes the new executable (execve(2)) instead of starting another process: the process id, the children, the lock of the run, the control socket
/// and the lifelines go on without a moment in which nobody holds them. What the new one must know stands in a file without a name, since secrets are among it.
struct Handover: Sendable, Codable {
    /// The version of this form; a build refuses any other.
    static let version = 5

    var version = Handover.version
    var run: String
    var build: String
    var request: RunRequest
    var plan: LabPlan
    var images: [String: BootableImage]
    var inheritance: LabInheritance
    var finished: LabEvent.RunFinished?
    var nextSequence: Int
    var lock: Int32
    var listener: Int32
    var watchdogReader: Int32
    var watchdogWriter: Int32
    var watchdog: Int32
    /// Values that must never be written, with their names.
    var secrets: [String: String]

    init(
        run: String, build: String, request: RunRequest, plan: LabPlan, images: [String: BootableImage], inheritance: LabInheritance,
        finished: LabEvent.RunFinished?, nextSequence: Int, lock: Int32, listener: Int32, watchdogReader: Int32, watchdogWriter: Int32,
        watchdog: Int32, secrets: [String: String]
    ) {
        self.run = run
        self.build = build
        self.request = request
        self.plan = plan
        self.images = images
        self.inheritance = inheritance
        self.finished = finished
        self.nextSequence = nextSequence
        self.lock = lock
        self.listener = listener
        self.watchdogReader = watchdogReader
        self.watchdogWriter = watchdogWriter
        self.watchdog = watchdog
        self.secrets = secrets
    }

    private var descriptors: [Int32] {
        [lock, listener, watchdogReader, watchdogWriter] + inheritance.switches.values.map(\.lifeline)
    }

    /// Becomes the executable.
    ///
    /// - Returns: why that failed; nothing has changed then.
    func exec(_ executable: String) -> Problem {
        func failed(_ what: String) -> Problem {
            Problem(.failure, "the lab cannot be taken over", location: executable, why: "\(what): \(String(cString: strerror(errno)))")
        }
        // Without a name, so that nobody else can open it; the folder is only its user's.
        let path = RunDirectory.open(path: run).sockets + "/handover"
        let document = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard document >= 0 else { return failed("open \(path)") }
        unlink(path)
        defer { close(document) }
        do {
            let bytes = Array(try JSONEncoder().encode(self))
            guard bytes.withUnsafeBytes({ write(document, $0.baseAddress, $0.count) }) == bytes.count else { return failed("write") }
        } catch {
            return Problem(.failure, "the lab cannot be taken over", why: "\(error)")
        }
        let inherited = descriptors + [document]
        // Sockets of the event loops are not marked: QEMU, which serves one client at a time, would go on serving this one.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
        for descriptor in inherited { _ = fcntl(descriptor, F_SETFD, 0) }
        defer { for descriptor in inherited { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) } }
        let arguments = ["vmlab", OwnerProcess.verb, "--handover", "\(document)"]
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        execv(executable, &pointers)
        return failed("execv")
    }

    /// Reads what the owner before left.
    static func read(_ descriptor: Int32) throws -> Handover {
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        close(descriptor)
        let handover = try JSONDecoder().decode(Handover.self, from: Data(bytes))
        for descriptor in handover.descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        closeStrays(besides: Set(handover.descriptors))
        return handover
    }

    /// Closes the connection of a client that was accepted a moment before the exec: nobody would ever answer it, and it would wait for ever.
    private static func closeStrays(besides inherited: Set<Int32>) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            guard let descriptor = Int32(name), descriptor > 2, !inherited.contains(descriptor) else { continue }
            var status = stat()
            // This process has made no socket yet.
            if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { close(descriptor) }
        }
    }

    /// Ends the watchdog of the owner before. Ours runs already on the same pipe.
    func retireWatchdog() {
        guard watchdog > 0 else { return }
        kill(watchdog, SIGKILL)
        var status: Int32 = 0
        waitpid(watchdog, &status, 0)
    }
}
