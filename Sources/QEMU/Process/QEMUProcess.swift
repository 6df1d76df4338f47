import FoundationEssentials
import LabEvents
internal import Subprocess
internal import SystemPackage

/// The QEMU process of one guest: started by ``run()``, which returns when it has ended.
final class QEMUProcess: Sendable {
    enum Step: Sendable {
        case spawned(ProcessRecord)
        case ended(ProcessExit)
        case failed(Problem)
    }

    /// What happened to the process; many may wait for the same step.
    let steps = EventHistory<Step>()
    private let command: [String]
    private let log: String
    private let inherited: ChildProcess?

    /// - Parameters:
    ///   - command: the program's absolute path, or a name to look for on PATH, and its arguments.
    ///   - log: the file to which its standard output and error are appended.
    init(command: [String], log: String) {
        self.command = command
        self.log = log
        inherited = nil
    }

    /// A process that runs already, as a child of this one.
    init(inheriting record: ProcessRecord) throws(Problem) {
        (command, log) = ([], "")
        inherited = try ChildProcess.attach(record)
        steps.append(.spawned(record))
    }

    /// Runs the process to its end. Cancelling asks it to end (SIGTERM) and 700 ms later kills it with its whole group.
    func run() async {
        defer { steps.finish() }
        if let inherited { return await watch(inherited) }
        var options = PlatformOptions()
        // Its own session: Ctrl-C at the terminal reaches us, not QEMU, which would be gone before its evidence is taken.
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(700))]
        do {
            let output = try FileDescriptor.open(
                log, .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite, .groupRead, .otherRead])
            defer { try? output.close() }
            let program = command[0].hasPrefix("/") ? Executable.path(FilePath(command[0])) : .name(command[0])
            let configuration = Configuration(
                executable: program, arguments: Arguments(Array(command.dropFirst())),
                environment: .inherit.updating(["LC_ALL": "C"]), platformOptions: options)
            let result = try await Subprocess.run(
                configuration, input: .none, output: .fileDescriptor(output, closeAfterSpawningProcess: false),
                error: .combinedWithOutput
            ) { execution in
                steps.append(.spawned(ProcessRecord(pid: execution.processIdentifier.value, command: command)))
            }
            steps.append(.ended(ProcessExit(result.terminationStatus)))
        } catch {
            steps.append(.failed(Problem(.failure, "cannot run QEMU", location: command[0], why: "\(error)")))
        }
    }

    private func watch(_ child: ChildProcess) async {
        _ = await child.waitForExit()
        if let end = await child.end(patience: .milliseconds(700)) { steps.append(.ended(end)) }
    }

    /// How the process ended, as soon as it has; nil when the calling task is cancelled first.
    func waitForEnd() async -> ProcessExit? {
        for await step in steps {
            if case .ended(let status) = step { return status }
        }
        return nil
    }

    /// How the process ended; nil while it runs.
    var end: ProcessExit? {
        for case .ended(let status) in steps.snapshot { return status }
        return nil
    }
}
