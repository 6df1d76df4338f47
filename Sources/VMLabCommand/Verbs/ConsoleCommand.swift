import ArgumentParser
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import VMLab

/// `vmlab console`: a node's serial console.
struct ConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console", abstract: "Show a node's serial console as it grows, over its reboots, or type into it.",
        discussion:
            "Of a run that has ended the log of the last boot is shown. With --attach the keys go to the console; leave with Ctrl-].")

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Argument(help: "The node.")
    var node: String

    @Option(help: "Show the log of this boot, counted from 1, and stop.")
    var boot: Int?

    @Flag(help: "Type into the console. Nobody else can be attached, and a guest that is reached by this console only cannot be.")
    var attach = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        if attach, isatty(STDIN_FILENO) != 1 { throw ValidationError("--attach needs a terminal") }
    }

    func run() async throws {
        let run = try state.find(run)
        let folder = run.node(node)
        guard access(folder, F_OK) == 0 else {
            let nodes = (try? FileManager.default.contentsOfDirectory(atPath: run.path + "/nodes")) ?? []
            throw Problem(
                .invalidInput, "run \(run.identifier) has no node '\(node)'", location: run.path + "/nodes",
                why: "it has \(nodes.sorted().joined(separator: ", "))")
        }
        if attach { return try await type(run) }
        if let boot {
            guard let text = try? Data(contentsOf: URL(filePath: "\(folder)/serial-\(boot).log")) else {
                throw Problem(.invalidInput, "\(node) has no log of boot \(boot)", location: folder)
            }
            return Terminal.write(STDOUT_FILENO, Array(text))
        }
        try await follow(run, "\(folder)/serial.log")
    }

    /// The redacted log grows with the console; the link moves to the next boot's.
    private func follow(_ run: RunDirectory, _ link: String) async throws {
        var shown: (path: String, offset: Int) = ("", 0)
        while true {
            let isLast = !RunLock.isHeld(run)
            let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? shown.path
            if path != shown.path { shown = (path, 0) }
            let file = open(link, O_RDONLY | O_CLOEXEC)
            if file >= 0 {
                defer { close(file) }
                lseek(file, off_t(shown.offset), SEEK_SET)
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                while case let count = read(file, &buffer, buffer.count), count > 0 {
                    shown.offset += count
                    Terminal.write(STDOUT_FILENO, Array(buffer[..<count]))
                }
            }
            if isLast { return }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func type(_ run: RunDirectory) async throws {
        let node = node
        let path = try await ControlClient.with(run) { client in
            try await client.call(ControlRequest(.status)).nodes?.first { $0.name == node }?.console
        }
        guard let path else { throw Problem(.failure, "\(node) is off", remedy: "start it: vmlab power \(run.identifier) \(node) start") }
        try await InteractiveTerminal.run { terminal in
            try await RawConsole.join(path) { send, receive in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { while let keys = try await terminal.input() { try await send(keys) } }
                    group.addTask { while let bytes = try await receive() { try await terminal.output(bytes) } }
                    _ = try await group.next()
                    group.cancelAll()
                }
            }
        }
    }
}
