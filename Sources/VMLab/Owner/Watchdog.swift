import Glibc
import LabEvents
import QEMU
import Subprocess
import Synchronization
import SystemPackage

/// Ends a run's processes when their owner dies, whatever kills it.
///
/// The watchdog is a small shell in a session of its own that reads a pipe whose other end only the owner holds. When the owner is gone it ends each process
/// that the run's records name, after comparing its start time, and removes the folders. A parent-death signal (prctl(2)) would not do: it fires when the
/// thread that spawned the child ends. When somebody kills the watchdog, the owner starts another.
final class Watchdog: Sendable {
    /// `$0` is the folder of sockets, `$1` the run directory, `$2` a folder for RAM files.
    private static let script = #"""
        trap '' INT TERM HUP QUIT PIPE
        while read -r _; do :; done
        started() { t=; IFS= read -r s </proc/$1/stat || return 1; set -- ${s##*) }; [ $1 != Z ] || [ ${18} -gt 1 ] || return 1; t=${20}; }
        ended=; mv "$0/processes" "$0/ended"
        for round in 1 2 3 4 5 6 7 8 9 10; do
        left=
        for f in "$0"/ended/*; do
        [ -f "$f" ] && read -r pid start _ <"$f" && started "$pid" && [ "$t" = "$start" ] && kill -KILL "$pid" && left="$left ${f##*/}($pid)"
        done
        ended=${ended:-$left}
        [ "$left" ] || [ "$round" -le 2 ] || break
        sleep 0.1
        done 2>/dev/null
        [ "$ended" ] && echo "watchdog: the owner is gone; ended:$ended" >>"$1/harness.log"
        rm -rf "$2" "$1/ram" "$1"/nodes/*/disk0.qcow2 "$1"/nodes/*/uefi-variables.fd "$0"
        """#

    /// Records its own process id and start time in the file `$0`, then becomes the command that follows. Recording first leaves no moment in which a
    /// process runs and nobody knows it.
    private static let recorder = #"""
        IFS= read -r s </proc/$$/stat; n=0
        for w in ${s##*) }; do n=$((n + 1)); [ $n = 20 ] && t=$w; done
        echo "$$ $t" >"$0" && exec "$@"
        """#

    /// The words to put before a command so that the watchdog knows its process.
    static func recording(_ name: String, in run: RunDirectory) -> [String] {
        ["/bin/sh", "-c", recorder, "\(run.processes)/\(name)"]
    }

    /// Replaces a record by one that has the digest of the process's arguments too.
    static func record(_ process: ProcessRecord, as name: String, in run: RunDirectory) throws(Problem) {
        let text = "\(process.pid) \(process.startTime) \(process.argumentsDigest)\n"
        try AtomicFile.write(Array(text.utf8), to: "\(run.processes)/\(name)", redactor: Redactor())
    }

    private let run: RunDirectory
    private let events: any EventSink
    /// The pipe: the watchdog's end, and ours, which must stay open.
    private let reader: Int32
    let lifeline: Int32
    private let current = Mutex<Int32>(0)

    /// - Parameter inherited: the pipe of a watchdog that runs already and that this one replaces; nil makes one.
    init(_ run: RunDirectory, events: any EventSink, pipe inherited: (reader: Int32, writer: Int32)? = nil) throws(Problem) {
        (self.run, self.events) = (run, events)
        if let inherited {
            (reader, lifeline) = inherited
            for end in [reader, lifeline] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return
        }
        var ends: [Int32] = [0, 0]
        // A socket pair serves as the pipe: it can be made so that no other thread's child inherits it.
        guard socketpair(AF_UNIX, SocketKind.stream, 0, &ends) == 0 else {
            throw Problem(.failure, "cannot make a socket", why: String(cString: strerror(errno)))
        }
        (reader, lifeline) = (ends[0], ends[1])
    }

    /// Both ends, for the process that comes after an exec.
    var pipe: (reader: Int32, writer: Int32) { (reader, lifeline) }
    /// The process that watches now; 0 before it runs.
    var pid: Int32 { current.withLock { $0 } }

    /// Runs a watchdog, and another when it ends unasked, until the task is cancelled; then the pipe is closed and the watchdog ends by itself.
    func serve() async {
        while !Task.isCancelled {
            let begin = ContinuousClock.now
            let end = await runOnce()
            if Task.isCancelled { break }
            events.record(
                .process(LabEvent.ProcessChange(role: "watchdog", name: "watchdog", pid: current.withLock { $0 }, end: end)), node: nil,
                severity: .warning)
            events.message("the watchdog \(end); another one was started", severity: .warning)
            // Without this a host that cannot start a shell would be asked without end.
            if begin.duration(to: .now) < .seconds(1) { try? await Task.sleep(for: .seconds(1)) }
        }
        close(reader)
        close(lifeline)
    }

    private func runOnce() async -> String {
        var platform = PlatformOptions()
        platform.createSession = true
        // It must outlive the task: it ends when the pipe does, after the folders are gone.
        platform.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .milliseconds(100))]
        do {
            let result = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: Arguments(["-c", Self.script, run.sockets, run.path, "/dev/shm/vmlab-\(run.identifier)"]),
                platformOptions: platform,
                input: .fileDescriptor(FileDescriptor(rawValue: reader), closeAfterSpawningProcess: false), output: .discarded,
                error: .discarded
            ) { execution in
                let pid = execution.processIdentifier.value
                current.withLock { $0 = pid }
                events.record(
                    .process(LabEvent.ProcessChange(role: "watchdog", name: "watchdog", pid: pid)), node: nil, severity: .debug)
            }
            return "\(result.terminationStatus)"
        } catch {
            return "could not be started: \(error)"
        }
    }
}
