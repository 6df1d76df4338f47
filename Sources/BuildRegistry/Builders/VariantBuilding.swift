import LabEvents
import SystemPackage

/// What can make the files of variants; one for each ``ImageVariant/Builder``.
protocol VariantBuilding: Sendable {
    /// Makes sure that its programs are there and that it understands the variant's settings: asked of every variant before the first build starts.
    func check(_ variant: ImageVariant) async throws

    /// Everything that decides the result, by name: digests of files, or texts. Equal inputs need no second build.
    func inputs(_ variant: ImageVariant) async throws -> [String: String]

    /// Folders in which no two builds may work at once.
    func exclusive(_ variant: ImageVariant) -> [String]

    /// Makes the files.
    ///
    /// - Throws: ``Problem``, or `CancellationError` once no process that it started is alive.
    func build(_ variant: ImageVariant, _ work: VariantWork) async throws -> VariantProduct
}

extension VariantBuilding {
    func exclusive(_ variant: ImageVariant) -> [String] { [variant.outputFolder].compactMap { $0 } }
}

/// What a builder is given for one build.
struct VariantWork: Sendable {
    /// Where the output of its commands goes.
    var log: FilePath
    /// An empty folder on the registry's file system, for a variant without an output folder of its own.
    var scratch: String
    /// A file whose lock every program of the build holds.
    var lock: String
    /// Whether ISAR is to make the outputs again though it saw nothing to do.
    var isForced = false
    /// Called with each line that says what the builder is doing just now.
    var activity: @Sendable (String) -> Void
    /// Called for each sign of life.
    var alive: @Sendable () -> Void
}

extension VariantWork {
    /// A command that holds the build's lock as long as it, or anything that it starts, lives. When vmlab is killed the programs of its build go on, and the
    /// next build in the same folder waits for their end.
    func holding(_ command: [String]) -> [String] { ["flock", "--no-fork", lock] + command }
}

/// What a builder has made.
struct VariantProduct: Sendable {
    /// The folder in which the outputs' patterns are to be looked for; nil where ``files`` says all.
    var folder: String?
    /// The path of each output's file by the output's name, where the builder knows.
    var files: [String: String] = [:]
    /// The version of the builder, or the digest of its program.
    var builderDigest: String?
    /// The digest of the container that it ran in.
    var container: String?
}

extension ImageVariant {
    /// What a builder is to be told under `key`.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput` with the place of the declaration, when it is absent.
    func setting(_ key: String) throws(Problem) -> String {
        if let value = settings[key], !value.isEmpty { return value }
        throw Problem(
            .invalidInput, "\(id) lacks the setting '\(key)'", location: source, why: "the builder \(builder.rawValue) needs it",
            remedy: "add `settings: {\(key): …}` to its group")
    }

    /// A path of the declaration as an absolute one.
    func path(_ relative: String) -> String { FilePath(folder).pushing(FilePath(relative)).lexicallyNormalized().string }

    /// Checks that no setting has a name that the builder does not know.
    func checkSettings(_ known: Set<String>) throws(Problem) {
        // What concerns every builder.
        let all = known.union(["diskMiB", "stallMinutes"])
        guard let other = settings.keys.sorted().first(where: { !all.contains($0) }) else { return }
        throw Problem(
            .invalidInput, "\(id): the builder \(builder.rawValue) has no setting '\(other)'", location: source,
            remedy: "use \(all.sorted().joined(separator: ", "))")
    }

    /// The variables that tell a command which variant it makes: `VMLAB_VARIANT`, and `VMLAB_ROLE`, `VMLAB_MACHINE` and so on.
    var environment: [String: String] {
        var variables = ["VMLAB_VARIANT": id]
        for axis in VariantAxis.allCases { variables["VMLAB_\(axis.rawValue.uppercased())"] = self[axis] }
        return variables
    }
}
