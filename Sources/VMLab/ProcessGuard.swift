import Subprocess
import SystemPackage

/// Ends a run's processes when the process that owns them dies, whatever kills it.
///
/// The guard is a small shell in a session of its own that holds one end of a pipe; the other end dies with the owner. Then it ends each process that the
/// run's folder names, after comparing its start time, and removes the folders. A parent-death signal (prctl(2)) would not do: it fires when the thread
/// that spawned the child ends.
enum ProcessGuard {
    /// `$0` and further arguments are the folders to remove; the first holds `processes/`.
    private static let script = #"""
        trap '' INT TERM HUP
        while read -r _; do :; done
        started() { IFS= read -r s </proc/$1/stat || return 1; set -- ${s##*) }; t=${20}; }
        for round in 1 2 3; do
        for f in "$0"/processes/*; do
        [ -f "$f" ] && read -r pid start <"$f" && started "$pid" && [ "$t" = "$start" ] && kill -KILL "$pid"
        done
        [ -d "$0" ] || break
        sleep 0.3
        done
        rm -rf "$0" "$@"
        """#

    /// Records its own process id and start time in the file `$0`, then becomes the command that follows. Recording first leaves no moment in which a
    /// process runs and nobody knows it.
    private static let recorder = #"""
        IFS= read -r s </proc/$$/stat; n=0
        for w in ${s##*) }; do n=$((n + 1)); [ $n = 20 ] && t=$w; done
        echo "$$ $t" >"$0" && exec "$@"
        """#

    /// The words to put before a command so that the guard knows its process.
    static func recording(_ name: String, in run: RunFolder) -> [String] {
        ["/bin/sh", "-c", recorder, "\(run.processes)/\(name)"]
    }

    /// Runs `body` under a guard.
    ///
    /// - Parameter folders: further folders that the guard removes when it has to clean up.
    static func with<Result: Sendable>(_ run: RunFolder, removing folders: [String], _ body: () async throws -> Result) async throws
        -> Result
    {
        var platform = PlatformOptions()
        platform.createSession = true
        platform.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .milliseconds(100))]
        return try await Subprocess.run(
            .path("/bin/sh"), arguments: Arguments(["-c", script, run.sockets] + folders), platformOptions: platform, input: .inputWriter,
            output: .discarded, error: .discarded
        ) { execution in
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            // Everything is ended and removed by now, so the guard finds nothing to do.
            try? await execution.standardInputWriter.finish()
            return result
        }.closureResult.get()
    }
}
