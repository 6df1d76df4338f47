import LabEvents
import VMLab

extension Wait {
    /// The error of a wait that ended otherwise than wished.
    ///
    /// - Parameter budget: what it was given.
    func problem(_ end: End, _ budget: Budget) async -> Problem {
        let pace = tally.pace ?? condition.node?.pace ?? 1
        let limit =
            "\(budget.scaled(by: pace).seconds.rounded(to: 1)) s (budget '\(budget.name)' \(budget.limit.seconds.rounded(to: 1)) s, pace \(pace.rounded(to: 1)))"
        let facts = "after \(tally.waited.seconds.rounded(to: 1)) s of \(limit), \(tally.text)"
        return switch end {
        case .lost(let loss): problem("\(lostName) is lost: \(loss); waited for: \(condition.what)", facts, extra: nil)
        case .final where tally.last?.kind == .couldNotAsk: problem("could not ask: \(condition.what)", facts, extra: nil)
        case .final: problem("can no longer come: \(condition.what)", facts, extra: await condition.evidence?())
        case .late where tally.last?.kind == .couldNotAsk:
            problem("budget '\(budget.name)' is used up, and it could not be asked: \(condition.what)", facts, extra: nil)
        case .late, .reached: problem("budget '\(budget.name)' is used up: \(condition.what)", facts, extra: await condition.evidence?())
        }
    }

    /// The error of a condition that should have gone on to hold.
    func broken(_ end: End, _ rest: String) async -> Problem {
        let facts = "after \(tally.waited.seconds.rounded(to: 1)) s, \(tally.text)"
        return switch end {
        case .lost(let loss): problem("\(lostName) is lost: \(loss); it should have stayed: \(condition.what)", facts, extra: nil)
        case _ where tally.last?.kind == .couldNotAsk || tally.last == nil:
            problem("could not ask whether it stays \(rest): \(condition.what)", facts, extra: nil)
        default: problem("did not stay \(rest): \(condition.what)", facts, extra: await condition.evidence?())
        }
    }

    private var lostName: String { condition.node?.name ?? "the guest" }

    private func problem(_ what: String, _ facts: String, extra: String?) -> Problem {
        let parts = [facts, condition.node?.observation, extra].compactMap { $0 }
        return Problem(.failure, what, location: "\(file):\(line)", why: parts.joined(separator: "\n"))
    }
}

extension Problem {
    /// The same problem with the source line of the call, in front of the place that it names itself.
    func located(_ file: String, _ line: Int) -> Problem {
        var problem = self
        problem.location = "\(file):\(line)" + (location.map { ", " + $0 } ?? "")
        return problem
    }
}
