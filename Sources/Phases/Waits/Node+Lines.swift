import GuestShell
import LabEvents
import Synchronization
import VMLab

extension Node {
    /// Lines of the console: those that came before the wait, and then each as it comes.
    func consoleCondition(_ pattern: String) -> Condition {
        Condition("\(name): the console says /\(pattern)/", node: self) { watch in
            let expression = try LinePattern(pattern)
            let isInPrompt = await withTaskGroup(of: Bool?.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    await self.followConsole { expression.take($0, watch) }
                    return false
                }
                group.addTask {
                    var isFound = false
                    await self.followPrompt {
                        isFound = expression.matches($0)
                        return isFound
                    }
                    return isFound ? true : nil
                }
                for await end in group { if let end { return end } }
                return false
            }
            guard isInPrompt else { return }
            try Task.checkCancellation()
            // Only now that nobody reads earlier lines any more: what they say must not be the last answer.
            watch.report(.yes("in a line that has no end yet"), 1)
        }
    }

    /// Messages of the journal since the boot, and then each as it comes.
    func journalCondition(_ pattern: String, unit: String?) -> Condition {
        let of = unit.map { " of \($0)" } ?? ""
        return Condition("\(name): the journal\(of) says /\(pattern)/", node: self) { watch in
            let expression = try LinePattern(pattern)
            let choice = unit.map { "-u \(ShellQuoting.quote($0)) " } ?? ""
            while true {
                let lines = Mutex(LineSplitter(limit: 16 << 10))
                let request = CommandRequest(
                    "command -v journalctl >/dev/null || exit 127; exec journalctl -q -b -f --no-tail -o cat --no-pager \(choice)",
                    captureLimit: 4096
                ) { piece in
                    guard piece.stream == .stdout else { return }
                    for line in lines.withLock({ $0.lines(piece.bytes) }) where expression.take(line, watch) {
                        throw LinePattern.Found()
                    }
                }
                do {
                    let result = try await self.machine().shell.execute(request)
                    if result.outcome == .exited(127) { return watch.report(.couldNotAsk("the guest has no journalctl", isFinal: true), 1) }
                    watch.report(.couldNotAsk("the journal cannot be read: \(result)"), 1)
                } catch is LinePattern.Found {
                    return
                }
                // A journald that restarts ends its readers.
                try await Task.sleep(for: .seconds(1))
            }
        }
    }
}

/// A regular expression for lines.
final class LinePattern: Sendable {
    struct Found: Error {}

    /// Made anew by each thread's lock, since an expression is not Sendable; it never leaves it.
    private let expression: Mutex<Regex<AnyRegexOutput>>

    /// - Throws: a ``Problem`` of kind `invalidInput` for a pattern that is none.
    init(_ pattern: String) throws(Problem) {
        do {
            expression = Mutex(try Regex(pattern))
        } catch {
            throw Problem(.invalidInput, "'\(pattern)' is no regular expression", why: "\(error)")
        }
    }

    func matches(_ line: String) -> Bool { expression.withLock { (try? $0.firstMatch(in: line)) != nil } }

    /// Reports a line.
    ///
    /// - Returns: whether the watch has reached its end.
    func take(_ line: String, _ watch: Condition.Watch) -> Bool {
        let isMatch = matches(line)
        let text = "'\(line.prefix(300))'"
        watch.report(isMatch ? .yes(text) : .no("the last line was \(text)"), 1)
        // A line that has been written stays written: there is nothing to settle, and nothing that could break.
        return isMatch
    }
}
