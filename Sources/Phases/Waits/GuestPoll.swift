import GuestShell
import LabEvents
import Synchronization
import VMLab

/// A check that the guest repeats by itself, in one command, until the answer is the one that is wanted. So the reaction is immediate, one command channel is
/// used, and nothing travels but changes.
struct GuestPoll: Sendable {
    /// Shell definitions before the loop.
    var setup = ""
    /// The check: sets `_va` to y, n or ?, `_vo` to the observation in one line, and `_vf` to F when the answer is final.
    var check: String
    /// How long one try may take before it is ended.
    var limit = Budget.check

    /// A user's command: 0 is yes; that it was not found or could not be run is no answer.
    static func command(_ command: String) throws(GuestShellError) -> GuestPoll {
        guard !command.utf8.contains(0) else {
            throw .invalid(node: "the check", reason: "it contains a NUL byte, which no shell can carry")
        }
        // A process costs most of what a small check does.
        let isPlain = isPlainTest(command)
        return GuestPoll(
            setup: "_vcmd=\(ShellQuoting.quote(command))",
            // A subshell: what the command does to its shell is its own affair. It sees neither the mark nor the pipe.
            check: """
                \(isPlain ? #"eval "$_vcmd" 2>&1"# : #"( unset _vm; exec 9>&-; eval "$_vcmd" ) 2>&1"#)
                _vr=$?
                case $_vr in 0) _va=y ;; 126|127) _va=\\? ;; *) _va=n ;; esac
                _vo="exit $_vr"
                """)
    }

    /// Whether a command is a single `[ … ]` or `test …` of plain words, which can do nothing to the shell that runs it.
    static func isPlainTest(_ command: String) -> Bool {
        guard command.hasPrefix("test ") || (command.hasPrefix("[ ") && command.hasSuffix(" ]")) else { return false }
        return command.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || " []!=_-+.,:/@%".contains($0)) }
    }

    /// Repeats the check until the goal is reached, an answer is final, or the task is cancelled.
    func watch(_ node: Node, _ watch: Condition.Watch) async throws {
        try await self.watch(watch) { request in try await node.machine().shell.execute(request) }
    }

    /// The same with any way to run a command.
    func watch(_ watch: Condition.Watch, execute: @escaping @Sendable (CommandRequest) async throws -> CommandResult) async throws {
        while true {
            let mark = PollParser.mark()
            let progress = PollProgress(PollParser(mark: mark), watch)
            let request = CommandRequest(script(watch.goal, mark: mark), captureLimit: 4096) { piece in progress.take(piece) }
            let result = try await withThrowingTaskGroup(of: CommandResult?.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await execute(request) }
                group.addTask {
                    try await progress.hang(longerThan: { limit.scaled(by: watch.pace()) })
                    return nil
                }
                return try await group.next() ?? nil
            }
            if progress.isAtEnd { return }
            guard let result else {
                let seconds = limit.scaled(by: watch.pace()).seconds.rounded(to: 1)
                watch.report(.couldNotAsk("a try hung, and was ended after \(seconds) s" + progress.tail), 1)
                continue
            }
            watch.report(.couldNotAsk("the check ended by itself: \(result)"), 1)
            // Whatever ended it may do so again at once.
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// The loop: POSIX shell; in bash without a process for a pause.
    ///
    /// The pause is twelve times what a round costs, from 20 ms to 1 s, which leaves the guest 92 % of a core. The cost is the time from the end of a pause
    /// to the next one and what the pause took too long, in microseconds; it is averaged, so that one round in which the guest had no processor does not
    /// count much. What has not changed is said once a second.
    func script(_ goal: Condition.Goal, mark: String) -> String {
        let settle = goal.settle / .milliseconds(10)
        return """
            _vm=\(mark) _vg=\(goal.kind == .yes ? "y" : "n") _vs=\(Int(settle.rounded(.up)))
            _vn=0 _vc= _vh= _vl= _vw=0 _vover=0
            case ${BASH_VERSION-} in
            ?*) eval 'exec 9<> <(:)
            _vnap() { read -rt $1 -u 9 _vx; }' ;;
            *) _vnap() { sleep $1; } ;;
            esac
            case ${EPOCHREALTIME-} in
            ?*) _vnow() { _vt=$EPOCHREALTIME; _vt=${_vt%[.,]*}${_vt#*[.,]}; } ;;
            *) _vnow() { read -r _vt _ </proc/uptime; _vt=${_vt%.*}${_vt#*.}0000; } ;;
            esac
            \(setup)
            printf '\\n%s 0 s\\n' $_vm
            _vnow
            while :; do
            _vb=$_vt
            _vo= _vf= _ve=
            \(check)
            _vn=$((_vn + 1))
            if [ "$_va" = $_vg ]; then
            if [ $_vs = 0 ]; then _ve=E
            else
            read -r _vu _ </proc/uptime; _vu=${_vu%.*}${_vu#*.}
            : ${_vh:=$_vu}
            [ $((_vu - _vh)) -lt $_vs ] || _ve=E
            fi
            else _vh=; fi
            if [ -n "$_vf$_ve" ] || [ "$_va$_vo" != "$_vl" ] || [ $((_vb - _vw)) -ge 1000000 ]; then
            _vl=$_va$_vo _vw=$_vb
            printf '\\n%s %s %s %s\\n' $_vm $_vn "$_va$_vf$_ve" "$_vo"
            [ -z "$_vf$_ve" ] || exit 0
            fi
            _vnow
            _vi=$((_vt - _vb + _vover))
            : ${_vc:=$_vi}
            [ $_vi -le $((_vc * 4 + 1000)) ] || _vi=$((_vc * 4 + 1000))
            [ $_vi -ge 0 ] || _vi=0
            _vc=$(((_vc * 3 + _vi) / 4))
            _vi=$((_vc * 12)) _vb=$_vt
            [ $_vi -ge 20000 ] || _vi=20000
            if [ $_vi -ge 1000000 ]; then _vi=1000000; _vnap 1; else
            _vx=$((1000000 + _vi))
            _vnap 0.${_vx#1}
            fi
            _vnow
            _vover=$((_vt - _vb - _vi))
            [ $_vover -ge 0 ] || _vover=0
            [ $_vover -le 5000 ] || _vover=5000
            done
            """
    }
}

/// What a running poll has said.
final class PollProgress: Sendable {
    private struct State {
        var parser: PollParser
        /// When the loop last showed that it goes on; nil before it began.
        var sign: ContinuousClock.Instant?
        var counted = 0
        var isAtEnd = false
    }

    private let state: Mutex<State>
    private let watch: Condition.Watch

    init(_ parser: PollParser, _ watch: Condition.Watch) {
        self.watch = watch
        state = Mutex(State(parser: parser))
    }

    /// Whether the loop ended as it should.
    var isAtEnd: Bool { state.withLock { $0.isAtEnd } }
    /// What the try that goes on has written.
    var tail: String { state.withLock { $0.parser.tail.isEmpty ? "" : "; it said: " + $0.parser.tail } }

    func take(_ piece: OutputPiece) {
        // What the loop's own shell complains of stands in the result.
        guard piece.stream == .stdout else { return }
        let answers = state.withLock { state in
            state.parser.feed(piece.bytes).map { line -> (Answer, Int)? in
                state.sign = .now
                guard let answer = line.answer else { return nil }
                defer { state.counted = line.number }
                if line.isLast { state.isAtEnd = true }
                return (answer, line.number - state.counted)
            }
        }
        for (answer, tries) in answers.compactMap({ $0 }) {
            watch.report(answer, tries)
        }
    }

    /// Returns when a try has taken longer than a limit.
    func hang(longerThan limit: @Sendable () -> Duration) async throws {
        while true {
            // A pause may take a second, and as long again passes before something is said that has not changed.
            let allowed = limit() + .seconds(2)
            let since = state.withLock { $0.sign }
            guard let since else {
                try await Task.sleep(for: min(allowed, .seconds(1)))
                continue
            }
            let left = allowed - since.duration(to: .now)
            guard left > .zero else { return }
            try await Task.sleep(for: left)
        }
    }
}
