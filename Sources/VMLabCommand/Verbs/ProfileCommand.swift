import ArgumentParser
import FoundationEssentials
import LabEvents
import NetworkProfiles

/// `vmlab profile`: the networks that labs can have.
struct ProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Network profiles: list, check, show and draw them.",
        subcommands: [List.self, Check.self, ProfileShowCommand.self, ProfileDrawCommand.self, ProfileNetworkdCommand.self, Schema.self]
    )

    /// `vmlab profile list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the profiles: files NAME.yaml in $VMLAB_PROFILES, ./profiles and the folder that comes with vmlab.")

        @Flag(help: "Print JSON.")
        var json = false

        private struct Entry: Encodable {
            var name: String
            var file: String
            var summary: ProfileSummary?
            /// What is wrong with it; empty for a good one.
            var problems: [Problem]
        }

        func run() async throws {
            let catalog = try ProfileCatalog.standard()
            var entries: [Entry] = []
            for name in catalog.names {
                let path = try catalog.path(name)
                do {
                    entries.append(Entry(name: name, file: path, summary: try ProfileSummary(NetworkProfile.load(path)), problems: []))
                } catch let error as ProfileError {
                    entries.append(Entry(name: name, file: path, problems: error.problems))
                }
            }
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                Terminal.print(String(decoding: try encoder.encode(entries), as: UTF8.self))
                return
            }
            var rows = [["NAME", "NODES", "SWITCHES", "VLANS", "SUMMARY"]]
            for entry in entries {
                guard let summary = entry.summary else {
                    rows.append([entry.name, "", "", "", "not acceptable; see `vmlab profile check \(entry.name)`"])
                    continue
                }
                let vlans = summary.vlans.map(String.init).joined(separator: " ")
                rows.append([entry.name, "\(summary.nodes)", "\(summary.segments)", vlans, summary.text])
            }
            Terminal.table(rows)
        }
    }

    /// `vmlab profile check`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check profiles and print every mistake with its file and line. Exit code 2 when there is one.")

        @Argument(help: "Names of profiles, or paths of .yaml files.")
        var profiles: [String]

        func run() async throws {
            let catalog = try ProfileCatalog.standard()
            var isGood = true
            for word in profiles {
                do {
                    Terminal.print(try ProfileSummary(catalog.profile(word)).description)
                } catch let error as ProfileError {
                    isGood = false
                    Terminal.error(error.description)
                }
            }
            guard isGood else { throw ExitCode(2) }
        }
    }

    /// `vmlab profile schema`.
    struct Schema: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the JSON Schema of profiles, for editors.",
            discussion: "An editor with a YAML language server uses it where a file begins with `# yaml-language-server: $schema=PATH`.")

        func run() async throws { Terminal.write(1, NetworkProfile.schema) }
    }
}

extension ProfileError: ProblemConvertible {}
