import FoundationEssentials
import Glibc
import LabEvents
import Reporting
import VMLab

/// Where events are shown: as lines or a live tree for people, or as JSON lines.
final class Display: Sendable {
    private let recorder: TerminalRecorder?
    private let isVerbose: Bool
    private let isLive: Bool

    init(json: Bool, verbose: Bool, run: RunDirectory? = nil, isLive mayBeLive: Bool = true) {
        isVerbose = verbose
        let mode =
            mayBeLive
            ? TerminalRecorder.mode(isTerminal: isatty(STDERR_FILENO) == 1, environment: ProcessInfo.processInfo.environment) : .plain
        isLive = mode != .plain && !json
        recorder =
            json
            ? nil
            : TerminalRecorder(
                mode: mode, verbosity: verbose ? .verbose : .normal, runDirectory: run?.path, size: Terminal.size,
                write: { Terminal.write(STDERR_FILENO, $0) })
    }

    /// Whether console lines and other details are shown.
    var wantsConsole: Bool { isVerbose || isLive }

    func show(_ event: LabEvent) {
        if let recorder { recorder.record(event) } else { Terminal.write(STDOUT_FILENO, event.jsonLine() + [UInt8(ascii: "\n")]) }
    }

    /// A line of the command's own.
    func say(_ text: String) {
        guard let recorder else { return Terminal.note(text) }
        recorder.record(LabEvent(sequence: 0, time: Date(), severity: .info, kind: .message(.init(text: text))))
    }

    /// Redraws what moves, until cancelled.
    func keepFresh() async {
        guard isLive, let recorder else { return }
        while !Task.isCancelled {
            recorder.tick()
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    func finish() { recorder?.finish() }
}
