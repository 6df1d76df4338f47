import ArgumentParser
import LabEvents
import VMLab

/// `vmlab net capture`: frames in files for tshark and Wireshark.
struct NetCaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture", abstract: "Capture frames in a pcapng file of the run directory.",
        discussion: """
            Captured are network cards (NODE.CARD), the legs of bonds (NODE.BOND), all cards of segments or nodes, and trunks that have a cable. A frame between \
            two captured cards is in the file twice, once for each interface. The file holds what the guests send, secrets too.

            `vmlab net capture RUN WHAT` captures until Ctrl-C, or for --seconds.
            """,
        subcommands: [NetCaptureForCommand.self, NetCaptureStartCommand.self, NetCaptureStopCommand.self, NetCaptureListCommand.self],
        defaultSubcommand: NetCaptureForCommand.self)
}

extension NetOptions {
    /// Asks the owner about captures.
    fileprivate func captures(_ action: String, what: [String]? = nil, name: String? = nil) async throws -> [CaptureReport] {
        var request = ControlRequest(.capture)
        (request.action, request.what, request.name) = (action, what, name)
        let chosen = request
        return try await ControlClient.with(try state.find(run)) { client in try await client.call(chosen).captures ?? [] }
    }

    fileprivate func show(_ reports: [CaptureReport], json: Bool) throws {
        for report in reports { Terminal.print(json ? try Terminal.json(report) : report.summary) }
    }
}

/// `vmlab net capture start`.
struct NetCaptureStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "start", abstract: "Capture until `stop` or the end of the lab.")

    @OptionGroup var net: NetOptions

    @Argument(help: "Cards (NODE.CARD), bonds, segments, trunks, nodes.")
    var what: [String]

    @Option(help: "A part of the file's name; by default it says what is captured.")
    var name: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try net.show(try await net.captures("start", what: what, name: name), json: json) }
}

/// `vmlab net capture stop`.
struct NetCaptureStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End a capture, and make one file of what the cards saw.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The capture's name; may be left out when only one runs.")
    var name: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try net.show(try await net.captures("stop", name: name), json: json) }
}

/// `vmlab net capture list`.
struct NetCaptureListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the captures that run and those that ran.")

    @OptionGroup var net: NetOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let all = try await net.captures("list")
        if json { return Terminal.print(try Terminal.json(all)) }
        guard !all.isEmpty else { return Terminal.print("nothing was captured") }
        Terminal.table(
            [["CAPTURE", "STATE", "SECONDS", "FRAMES", "BYTES", "FILE"]]
                + all.map { report in
                    [
                        report.name, report.state.rawValue, "\(report.seconds)", report.frames.map { "\($0)" } ?? "-", "\(report.bytes)",
                        report.file,
                    ]
                })
    }
}

/// `vmlab net capture for`, the default: one that ends by itself.
struct NetCaptureForCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(commandName: "for", abstract: "Capture for some seconds, or until Ctrl-C.")

    @OptionGroup var net: NetOptions

    @Argument(help: "Cards (NODE.CARD), bonds, segments, trunks, nodes.")
    var what: [String]

    @Option(help: "End after so many seconds.")
    var seconds: Double?

    @Option(help: "A part of the file's name; by default it says what is captured.")
    var name: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if let seconds, !(0...1e8).contains(seconds) { throw ValidationError("--seconds \(seconds): it is negative, or too much") }
    }

    func run() async throws { try await run(signals: AsyncStream { $0.finish() }) }

    func run(signals: AsyncStream<Int32>) async throws {
        guard let begun = try await net.captures("start", what: what, name: name).first else { return }
        if !json { Terminal.note("capture \(begun.name): \(begun.interfaces.joined(separator: ", ")); Ctrl-C ends it") }
        let limit = seconds
        await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { for await _ in signals { return } }
            if let limit { group.addTask { try? await Task.sleep(for: .seconds(limit)) } }
            await group.next()
        }
        try net.show(try await net.captures("stop", name: begun.name), json: json)
    }
}
