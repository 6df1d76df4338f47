import ArgumentParser
import FoundationEssentials
import Glibc
import LabEvents
import VMLab

/// Which phases run, and where the run waits.
struct PhaseOptions: ParsableArguments {
    @Option(help: "End after this phase. A phase is named by its path (`cluster/join`), or by the end of it where that is clear.")
    var until: String?

    @Option(help: "Begin with this phase, on a lab on which those before it have run: needs --on.")
    var from: String?

    @Option(help: "Run this phase alone.")
    var only: String?

    @Option(help: ArgumentHelp("Run phases on this kept or paused lab instead of a new one; with --from or --only.", valueName: "run"))
    var on: String?

    @Option(help: "Wait before this phase, until `vmlab phase continue`.")
    var pauseBefore: String?

    @Flag(help: "Wait when a phase has failed, with everything as it is then.")
    var pauseOnFailure = false

    @Option(
        help: ArgumentHelp(
            "Capture the frames of these in a file of the run directory: a card (NODE.CARD), a bond, a segment, a trunk or a node; may be given several times.",
            valueName: "what"))
    var capture: [String] = []

    @Option(help: "Capture during this phase alone.")
    var during: String?

    @Flag(help: "Stop at breakpoints. Without it they stop when this process has a terminal and is not in CI.")
    var attach = false

    func validate() throws {
        if from != nil, on == nil {
            throw ValidationError("--from needs --on RUN: a kept lab on which the phases before have run (--keep lets a lab stay)")
        }
        if on != nil, from == nil, only == nil { throw ValidationError("--on needs --from PHASE or --only PHASE") }
        if only != nil, from != nil || until != nil { throw ValidationError("--only excludes --from and --until") }
        if during != nil, capture.isEmpty { throw ValidationError("--during needs --capture WHAT") }
        if on != nil, pauseOnFailure {
            throw ValidationError("--pause-on-failure is for a new lab; the one of --on stays as it is after a failure anyway")
        }
    }

    var request: PhaseRequest {
        var request = PhaseRequest(from: from, until: until, only: only, pauseBefore: pauseBefore)
        request.pauseOnFailure = pauseOnFailure
        (request.capture, request.captureDuring) = (capture.isEmpty ? nil : capture, during)
        request.isAttached = attach || Self.hasUser
        return request
    }

    /// Whether a person sits at this process.
    static var hasUser: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["CI", default: ""].isEmpty
    }
}
