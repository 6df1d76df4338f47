import ArgumentParser
import LabEvents
import VMLab

/// `vmlab down`: ends labs.
struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "End the labs of runs; their evidence stays.",
        discussion: "Only what the records of these runs name is ended. Nothing happens to a run whose lab is gone already.")

    @Argument(help: "Runs: `latest`, or the beginning of an id.")
    var runs: [String]

    @OptionGroup var state: StateOptions

    func run() async throws {
        // All words are checked before the first lab ends.
        for run in try runs.map({ word throws(Problem) in try state.find(word) }) {
            switch try await LabEnd.end(run) {
            case .ended: Terminal.note("\(run.identifier): ended; evidence: \(run.path)")
            case .swept: Terminal.note("\(run.identifier): its owner was gone; what was left of it is cleaned up; evidence: \(run.path)")
            case .wasGone: Terminal.note("\(run.identifier): has ended already; evidence: \(run.path)")
            }
        }
    }
}
