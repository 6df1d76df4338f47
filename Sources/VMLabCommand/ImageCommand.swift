import ArgumentParser
import BuildRegistry
import FoundationEssentials
import LabEvents

/// `vmlab image`: make images, register those of the matrix, and see what there is.
struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Make guest images; register, verify and exchange them.",
        groupedSubcommands: [
            CommandGroup(name: "Making", subcommands: [ImageBuildCommand.self, List.self, ImageMatrixCommand.self]),
            CommandGroup(
                name: "Registry",
                subcommands: [
                    ImageRegisterCommand.self, ImageShowCommand.self, ImageVerifyCommand.self, ImageCollectCommand.self,
                    ImageLockCommand.self,
                    ImageDiffCommand.self, ImageExportCommand.self, ImageImportCommand.self,
                ]),
        ]
    )

    /// `vmlab image list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the descriptions and what the cache has of them.")

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let catalog = try ImageCatalog.standard()
            let records = ImageStore().list()
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
                Terminal.print(String(decoding: try encoder.encode(records), as: UTF8.self))
                return
            }
            var rows = [["NAME", "CACHED", "SIZE", "BUILT", "DIGEST"]]
            for name in catalog.names where !records.contains(where: { $0.name == name }) { rows.append([name, "no", "", "", ""]) }
            for record in records {
                rows.append([record.name, "yes", "\(record.bytes >> 20) MiB", record.builtAt, String(record.digest.prefix(12))])
            }
            Terminal.table(rows)
        }
    }
}

/// Shows how an image is made.
enum BuildProgress {
    @Sendable static func show(_ event: ImageBuildEvent) {
        switch event {
        case .reused(let image, let key): Terminal.note("\(image): in the cache (\(key.prefix(12)))")
        case .waiting(let image, let holder):
            Terminal.note("\(image): process \(holder.map { "\($0)" } ?? "unknown") is building it; waiting")
        case .damaged(let image, let reason): Terminal.note("\(image): the cached one is damaged (\(reason)); building it anew")
        case .started(let image, let key): Terminal.note("\(image): building (\(key.prefix(12)))")
        case .stepStarted(let image, let step, let number, let count): Terminal.transient("\(image): [\(number)/\(count)] \(step) …")
        case .packages(let image, let activity, let done, let total):
            Terminal.transient("\(image): packages \(activity.rawValue): \(done)\(total.map { " of \($0)" } ?? "")")
        case .stepFinished(let image, let step, let seconds): Terminal.note("\(image): \(step) \(Self.seconds(seconds))")
        case .finished(let image, _, let seconds, let bytes):
            Terminal.note("\(image): built in \(Self.seconds(seconds)), \(bytes >> 20) MiB")
        }
    }

    /// `12.3 s`.
    static func seconds(_ value: Double) -> String {
        "\((value * 10).rounded() / 10) s"
    }

    static func seconds(_ value: Duration) -> String {
        seconds(Double(value.components.seconds) + Double(value.components.attoseconds) / 1e18)
    }
}
