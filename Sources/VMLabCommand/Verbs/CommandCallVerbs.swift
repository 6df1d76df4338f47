import ArgumentParser

/// A call with a command.
struct CommandCallOptions: ParsableArguments {
    @OptionGroup var call: CallOptions

    @Argument(parsing: .postTerminator, help: "The command: one word is a script, several are a program and its arguments.")
    var command: [String]

    func validate() throws {
        if command.isEmpty { throw ValidationError("no command; write it after --") }
    }

    func make(_ name: String) async throws { try await call.make(name, command: command) }
}

/// `vmlab succeed`: as a scenario's `node.succeed`.
struct SucceedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "succeed", abstract: "Run a command in a node that must end with status 0.",
        discussion:
            "Exit code 0 when it did and 1 for every other status, with the error that a scenario would have. `execute` passes the status on."
    )

    @OptionGroup var options: CommandCallOptions

    func run() async throws { try await options.make("succeed") }
}

/// `vmlab fail`: as a scenario's `node.fail`.
struct FailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail", abstract: "Run a command in a node that must not end with status 0; exit code 1 when it does.")

    @OptionGroup var options: CommandCallOptions

    func run() async throws { try await options.make("fail") }
}

/// `vmlab wait-until-succeeds`: as a scenario's `node.waitUntilSucceeds`.
struct WaitUntilSucceedsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait-until-succeeds", abstract: "Run a command in a node again and again until it ends with status 0.",
        discussion: WaitCommand.discussion)

    @OptionGroup var options: CommandCallOptions

    func run() async throws { try await options.make("waitUntilSucceeds") }
}

/// `vmlab wait-until-fails`: as a scenario's `node.waitUntilFails`.
struct WaitUntilFailsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait-until-fails", abstract: "Run a command in a node again and again until it ends with another status than 0.",
        discussion: WaitCommand.discussion)

    @OptionGroup var options: CommandCallOptions

    func run() async throws { try await options.make("waitUntilFails") }
}
