public import ArgumentParser

/// The `vmlab` command line.
public struct VMLabCommand: AsyncParsableCommand {
    /// The command's name and verbs.
    public static let configuration = CommandConfiguration(commandName: "vmlab", abstract: "Clusters of real virtual machines.")

    /// Made by the argument parser.
    public init() {}
}
