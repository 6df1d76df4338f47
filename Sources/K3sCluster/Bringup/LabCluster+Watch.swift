import GuestShell
import LabEvents
import Phases
import Synchronization
import VMLab

/// A unit and what it has said since it was started.
struct UnitReport: Sendable {
    var state: UnitState
    var lines: [String]

    /// So many starts in vain say that the next one will be too.
    static let restartLimit = 5

    /// Why waiting is of no use; nil while it may be.
    var end: String? {
        let last = lines.last.map { ": '\($0.prefix(300))'" } ?? ""
        if let (failure, line) = K3sFailure.find(in: lines), failure.isFinal {
            return "\(failure.cause): '\(line.prefix(300))'" + (failure.remedy.map { "; \($0)" } ?? "")
        }
        if state.isFailed { return "the unit is \(state.text)\(last)" }
        return state.restarts >= Self.restartLimit ? "the unit ends again and again: \(state.text)\(last)" : nil
    }

    /// What is seen while it may still come.
    var text: String {
        let known = K3sFailure.find(in: lines).map { "; \($0.failure.cause): '\($0.line.prefix(300))'" }
        return "the unit is \(state.text)" + (known ?? lines.last.map { "; it says '\($0.prefix(200))'" } ?? "")
    }
}

extension LabCluster {
    /// Asks for a node's unit.
    ///
    /// - Parameter withLog: whether for its lines too, which costs a process; they are asked for in any case when it was started again.
    func report(on node: Node, unit: String, withLog: Bool) async throws -> UnitReport {
        let properties = UnitState.properties.map { "-p \($0)" }.joined(separator: " ")
        let text = try await node.ask(
            """
            state=$(systemctl show \(properties) -- \(unit))
            echo "$state"
            case $state in *NRestarts=0*) more=\(withLog ? 1 : 0) ;; *) more=1 ;; esac
            [ $more = 1 ] || exit 0
            echo ---
            cursor=$(cat \(Self.cursorFile) 2>/dev/null)
            # With a cursor `-n` would give the first lines, and not the last.
            if [ -n "$cursor" ]; then journalctl -q -b -u \(unit) -o cat --no-pager --after-cursor="$cursor" 2>/dev/null | tail -n 60
            else journalctl -q -b -u \(unit) -n 60 -o cat --no-pager 2>/dev/null || :; fi
            """)
        let parts = text.split(separator: "---\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts.count > 1 ? parts[1].split(separator: "\n").map(String.init) : []
        return UnitReport(state: UnitState(String(parts[0])), lines: lines)
    }

    /// A condition that ends early when the node's unit cannot come up any more.
    ///
    /// - Parameter check: asked while the unit may still come.
    func watch(_ what: String, on node: Node, unit: String, _ check: @escaping @Sendable (UnitState) async throws -> Answer) -> Condition {
        let looks = Mutex(0)
        return Condition("\(node.name): \(what)", on: node) {
            let look = looks.withLock { looks in
                looks += 1
                return looks
            }
            let report = try await report(on: node, unit: unit, withLog: look.isMultiple(of: 4))
            if let end = report.end { return .no(end, isFinal: true) }
            var answer = try await check(report.state)
            if answer.kind != .yes { answer.observation = (answer.observation.map { $0 + "; " } ?? "") + report.text }
            return answer
        }
    }

    /// Waits for a watched condition; its failure has the end of the unit's log.
    @discardableResult
    func wait(_ condition: Condition, _ budget: Budget, on node: Node, unit: String, file: String = #fileID, line: Int = #line) async throws
        -> WaitReport
    {
        do {
            return try await condition.wait(budget, file: file, line: line)
        } catch var problem as Problem {
            guard node.state == .ready else { throw problem }
            let log = try? await node.ask("journalctl -q -b -u \(unit) -n 20 -o cat --no-pager 2>/dev/null")
            if let log, !log.isEmpty {
                let lines = log.split(separator: "\n").map { "  " + $0.prefix(400) }.joined(separator: "\n")
                problem.why = (problem.why.map { $0 + "\n" } ?? "") + "the log of \(unit) ends:\n" + lines
            }
            throw problem
        }
    }
}
