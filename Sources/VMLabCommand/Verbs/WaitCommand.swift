import ArgumentParser

/// `vmlab wait`: the waits of scenarios.
struct WaitCommand: AsyncParsableCommand {
    static let discussion = """
        The limit is for a host of pace 1: a slower one is given more time. Exit code 1 when it is used up or the node is lost, with the error that a \
        scenario would have. When this process ends, so does what runs in the guest.
        """

    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until something is so in a node of a living lab.", discussion: discussion,
        subcommands: [
            WaitUnitCommand.self, WaitPortCommand.self, WaitClosedPortCommand.self, WaitTCPCommand.self, WaitHTTPCommand.self,
            WaitFileCommand.self, WaitConsoleCommand.self, WaitJournalCommand.self,
        ])
}

/// `vmlab wait unit`.
struct WaitUnitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unit", abstract: "Wait until a systemd unit is active; ends early when it no longer can be.",
        discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "The unit, such as k3s.service.") var unit: String

    func run() async throws { try await options.make("waitForUnit", ["unit": unit]) }
}

/// `vmlab wait port`.
struct WaitPortCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "port", abstract: "Wait until something listens on a TCP port of the node.", discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "The port, 1 to 65535.") var port: PortNumber

    func run() async throws { try await options.make("waitForOpenPort", ["port": port.text]) }
}

/// `vmlab wait closed-port`.
struct WaitClosedPortCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "closed-port", abstract: "Wait until nothing listens on a TCP port of the node.", discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "The port, 1 to 65535.") var port: PortNumber

    func run() async throws { try await options.make("waitForClosedPort", ["port": port.text]) }
}

/// `vmlab wait tcp`.
struct WaitTCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tcp", abstract: "Wait until the node can connect to a TCP port of any host.", discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "The host, as the node knows it.") var host: String
    @Argument(help: "The port, 1 to 65535.") var port: PortNumber

    func run() async throws { try await options.make("waitForTCP", ["host": host, "port": port.text]) }
}

/// `vmlab wait http`.
struct WaitHTTPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http", abstract: "Wait until a URL answers the node as expected.", discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "The URL.") var url: String
    @Option(help: ArgumentHelp("The status that is expected, or `any`.", valueName: "number")) var status = "200"
    @Option(help: ArgumentHelp("What the answer's body must contain.", valueName: "text")) var body: String?

    func validate() throws {
        if status != "any", !(100...599).contains(Int(status) ?? 0) {
            throw ValidationError("--status \(status): choose a number from 100 to 599, or any")
        }
    }

    func run() async throws { try await options.make("waitForHTTP", ["url": url, "status": status, "body": body]) }
}

/// `vmlab wait file`.
struct WaitFileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "file", abstract: "Wait until a file or folder is there.", discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "Its path in the node.") var path: String

    func run() async throws { try await options.make("waitForFile", ["path": path]) }
}

/// `vmlab wait console`.
struct WaitConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console", abstract: "Wait for a line of the serial console of this boot, earlier ones too.",
        discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "A regular expression.") var pattern: String

    func run() async throws { try await options.make("waitForConsole", ["pattern": pattern]) }
}

/// `vmlab wait journal`.
struct WaitJournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Wait for a message in the journal of this boot, earlier ones too.",
        discussion: WaitCommand.discussion)

    @OptionGroup var options: CallOptions
    @Argument(help: "A regular expression.") var pattern: String
    @Option(name: .shortAndLong, help: "Messages of this unit alone.") var unit: String?

    func run() async throws { try await options.make("waitForJournal", ["pattern": pattern, "unit": unit]) }
}

/// A TCP port on the command line.
struct PortNumber: ExpressibleByArgument {
    let text: String

    init?(argument: String) {
        guard let number = Int(argument), (1...65535).contains(number) else { return nil }
        text = String(number)
    }
}
