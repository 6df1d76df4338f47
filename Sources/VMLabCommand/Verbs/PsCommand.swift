import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// `vmlab ps`: the labs that live.
struct PsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ps", abstract: "List the labs that live, or all runs that are kept.")

    @OptionGroup var state: StateOptions

    @Flag(name: .shortAndLong, help: "List runs that have ended too.")
    var all = false

    @Flag(help: "Print JSON.")
    var json = false

    private struct Row: Encodable {
        var run: String
        var state: String
        var scenario: String?
        var outcome: String?
        var nodes: [ControlReply.NodeStatus]
        var pid: Int32?
        var path: String
    }

    func run() async throws {
        var rows: [Row] = []
        for run in RunDirectory.all(state: state.folder) {
            if RunLock.isHeld(run) {
                rows.append(await living(run))
            } else if all {
                let result = RunSummary.read(run)
                rows.append(
                    Row(
                        run: run.identifier, state: "ended", scenario: result?.scenario, outcome: result?.outcome ?? "unknown", nodes: [],
                        path: run.path))
            }
        }
        if json {
            return Terminal.print(try Terminal.json(rows))
        }
        Terminal.table(
            [["RUN", "STATE", "SCENARIO", "OUTCOME", "OWNER", "NODES"]]
                + rows.map { row in
                    [
                        row.run, row.state, row.scenario ?? "", row.outcome ?? "", row.pid.map { "\($0)" } ?? "",
                        row.nodes.map { "\($0.name) \($0.state.rawValue)" }.joined(separator: ", "),
                    ]
                })
    }

    private func living(_ run: RunDirectory) async -> Row {
        do {
            return try await ControlClient.with(run) { client in
                let status = try await client.call(ControlRequest(.status))
                return Row(
                    run: run.identifier, state: status.state?.rawValue ?? "", scenario: status.scenario,
                    outcome: status.outcome?.outcome.rawValue, nodes: status.nodes ?? [], pid: client.hello.pid, path: run.path)
            }
        } catch {
            return Row(run: run.identifier, state: "silent", nodes: [], path: run.path)
        }
    }
}

/// What result.json says of a run that has ended.
struct RunSummary: Decodable {
    var scenario: String
    var outcome: String?

    static func read(_ run: RunDirectory) -> RunSummary? {
        (try? Data(contentsOf: URL(filePath: run.path + "/result.json"))).flatMap { try? JSONDecoder().decode(RunSummary.self, from: $0) }
    }
}
