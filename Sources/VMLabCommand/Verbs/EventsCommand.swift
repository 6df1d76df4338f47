import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// `vmlab events`: what happened in a run, and what happens.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happened in a run; with -f also what happens, until its lab is gone.")

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Flag(name: .shortAndLong, help: "Go on with what happens until the lab is gone.")
    var follow = false

    @Flag(help: "Show console lines and other details too.")
    var verbose = false

    @Flag(help: "Print JSON, one event a line.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let run = try state.find(run)
        let display = Display(json: json, verbose: verbose, isLive: false)
        var next = showFile(run, display)
        guard follow else { return display.finish() }
        // A lab that is taken over drops its clients, and its new owner goes on with the numbers.
        while RunLock.isHeld(run) {
            var request = ControlRequest(.events)
            (request.from, request.follow, request.console) = (next, true, verbose)
            let chosen = request
            next = try await ControlClient.with(run) { client in
                var next = chosen.from ?? 1
                do {
                    try await client.call(chosen) { reply in
                        guard let event = reply.event else { return }
                        display.show(event)
                        next = event.sequence + 1
                    }
                } catch is Problem {
                    // The owner closed the connection; whether there is another shows its lock.
                }
                return next
            }
        }
        display.finish()
    }

    /// Shows what the file has.
    ///
    /// - Returns: the number of the next event.
    private func showFile(_ run: RunDirectory, _ display: Display) -> Int {
        var next = 1
        let text = (try? String(contentsOfFile: run.path + "/events.jsonl", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") {
            guard let event = try? LabEvent.decode(jsonLine: Array(line.utf8)) else { continue }
            if verbose || event.severity > .debug { display.show(event) }
            next = event.sequence + 1
        }
        return next
    }
}
