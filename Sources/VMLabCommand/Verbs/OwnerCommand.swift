import ArgumentParser
import Phases
import VMLab

/// The hidden verb that owns a lab; `vmlab run` starts it.
struct OwnerCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(commandName: OwnerProcess.verb, abstract: "Own a lab.", shouldDisplay: false)

    @Option var run: String?
    @Option var lock: Int32?
    @Option var viewer: Int32?
    @Option var handover: Int32?
    @Option var check: Int?

    func run(signals: AsyncStream<Int32>) async throws {
        if let check {
            guard OwnerProcess.accepts(handoverVersion: check) else { throw ValidationError("unknown form of handing over") }
            return
        }
        let code: Int32
        if let handover {
            code = try await OwnerProcess.takeOver(document: handover, scenarios: Scenarios.catalog, calls: .phases, signals: signals)
        } else if let run, let lock {
            code = try await OwnerProcess.own(
                path: run, lock: lock, viewer: viewer, scenarios: Scenarios.catalog, calls: .phases, signals: signals)
        } else {
            throw ValidationError("this verb is for vmlab itself; use `vmlab run`")
        }
        if code != 0 { throw ExitCode(code) }
    }
}
