import Foundation

/// Collects the arguments of all processes, over and over, while something runs: on this host, and in guests.
enum ArgumentSampler {
    /// Runs `body`, and looks at this host's processes four times a second meanwhile.
    ///
    /// - Returns: what `body` gave, and each command line that was seen.
    static func during<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> (Result, seen: Set<Data>) {
        try await withThrowingTaskGroup(of: Set<Data>.self) { group in
            group.addTask {
                var seen: Set<Data> = []
                while !Task.isCancelled {
                    for process in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(process) != nil {
                        if let arguments = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") { seen.insert(arguments) }
                    }
                    try? await Task.sleep(for: .milliseconds(250))
                }
                return seen
            }
            let result = try await body()
            group.cancelAll()
            return (result, try await group.next() ?? [])
        }
    }

    /// Where a guest keeps what was seen.
    static let file = "/run/arguments"

    /// A script for bash that does the same in a guest, in the background and without a process of its own for each look.
    static let script = """
        (declare -A seen
        exec 9<> <(:)
        while :; do
        for process in /proc/[0-9]*/cmdline; do
        mapfile -d '' -t words 2>/dev/null <$process || continue
        line="${words[*]}"
        [ -z "$line" ] || [ -n "${seen[$line]-}" ] || { seen[$line]=1; printf '%s\\n' "$line" >>\(file); }
        done
        read -rt 0.5 -u 9 || :
        done) </dev/null >/dev/null 2>&1 &
        """
}
