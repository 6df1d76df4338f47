import FoundationEssentials
import GRDB
import LabEvents

/// The SQLite database that says which variant has which files.
///
/// `generations` has a row for each image, `artifacts` one for each file; what no query asks for is JSON in the column `about`. WAL lets
/// readers go on while one writes; commits are on the disk when they return (synchronous=FULL).
struct RegistryIndex: Sendable {
    private let path: String
    private let queue: DatabaseQueue

    /// What a row of `generations` has besides its columns.
    private struct About: Codable {
        var firmwares: [BootMode]
        var guest: ImageVariant.GuestFacts
        var provenance: Provenance
        var log: String?
    }

    /// Opens the index, which exists.
    ///
    /// - Parameter isMaking: to make it first where it is missing or empty, which only the holder of the registry's lock may do.
    init(_ path: String, isMaking: Bool = false) throws(Problem) {
        var configuration = Configuration()
        configuration.label = "vmlab.registry"
        if isMaking { configuration.journalMode = .wal }
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        self.path = path
        queue = try Self.guarded(path) {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            if isMaking { try Self.migrator.migrate(queue) }
            return queue
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE generations (
                        id INTEGER PRIMARY KEY, variant TEXT NOT NULL, generation INTEGER NOT NULL, digest TEXT NOT NULL, about TEXT NOT NULL,
                        UNIQUE (variant, generation)
                    );
                    CREATE TABLE artifacts (
                        image INTEGER NOT NULL REFERENCES generations (id) ON DELETE CASCADE, name TEXT NOT NULL, format TEXT NOT NULL,
                        sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, virtualBytes INTEGER, shared TEXT, PRIMARY KEY (image, name)
                    ) WITHOUT ROWID;
                    CREATE INDEX artifactsByDigest ON artifacts (sha256);
                    """)
        }
        return migrator
    }

    /// The newest generation of every variant, sorted by id.
    func newest() async throws -> [RegisteredImage] {
        try await read { database in
            try Self.images(
                database, "WHERE generation = (SELECT max(generation) FROM generations AS other WHERE other.variant = generations.variant)")
        }
    }

    /// All generations of all variants, sorted by id, the newest first.
    func all() async throws -> [RegisteredImage] { try await read { try Self.images($0, "") } }

    /// All generations of a variant, the newest first.
    func generations(of id: String) async throws -> [RegisteredImage] {
        try await read { try Self.images($0, "WHERE variant = ?", [id]) }
    }

    /// The images of other variants that have a file with one of these digests.
    func others(with digests: [String], than id: String) async throws -> [RegisteredImage] {
        let marks = digests.map { _ in "?" }.joined(separator: ",")
        let condition = "WHERE variant <> ? AND id IN (SELECT image FROM artifacts WHERE sha256 IN (\(marks)))"
        return try await read { try Self.images($0, condition, StatementArguments([id] + digests)) }
    }

    /// Every digest that some image names, its log included.
    func digests() async throws -> Set<String> {
        var digests: Set<String> = []
        for image in try await all() {
            digests.formUnion(image.artifacts.map(\.sha256))
            if let log = image.log { digests.insert(log) }
        }
        return digests
    }

    /// Adds images in one transaction, each as the next generation of its variant.
    ///
    /// - Returns: them with their generations.
    func insert(_ images: [RegisteredImage]) async throws -> [RegisteredImage] {
        try await write { database in
            var inserted: [RegisteredImage] = []
            for var image in images {
                image.generation =
                    try Int.fetchOne(
                        database, sql: "SELECT coalesce(max(generation), 0) + 1 FROM generations WHERE variant = ?",
                        arguments: [image.variant]) ?? 1
                try Self.insert(image, database)
                inserted.append(image)
            }
            return inserted
        }
    }

    /// Removes images in one transaction. Their files stay.
    func remove(_ images: [RegisteredImage]) async throws {
        try await write { database in
            for image in images {
                try database.execute(
                    sql: "DELETE FROM generations WHERE variant = ? AND generation = ?", arguments: [image.variant, image.generation])
            }
        }
    }

    /// What SQLite finds wrong with its own file; nothing when it is sound.
    func faults() async throws -> [String] {
        try await read { try String.fetchAll($0, sql: "PRAGMA integrity_check").filter { $0 != "ok" } }
    }

    private static func insert(_ image: RegisteredImage, _ database: Database) throws {
        let about = About(firmwares: image.firmwares, guest: image.guest, provenance: image.provenance, log: image.log)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try database.execute(
            sql: "INSERT INTO generations (variant, generation, digest, about) VALUES (?, ?, ?, ?)",
            arguments: [image.variant, image.generation, image.digest, String(decoding: try encoder.encode(about), as: UTF8.self)])
        let row = database.lastInsertedRowID
        for artifact in image.artifacts {
            try database.execute(
                sql: "INSERT INTO artifacts (image, name, format, sha256, bytes, virtualBytes, shared) VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    row, artifact.name, artifact.format.rawValue, artifact.sha256, artifact.bytes, artifact.virtualBytes,
                    artifact.shared.map { $0.map(\.rawValue).joined(separator: ",") },
                ])
        }
    }

    private static func images(
        _ database: Database, _ condition: String, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [RegisteredImage] {
        // The first registration ever may be just making it, or may have been killed there.
        guard try database.tableExists("generations") else { return [] }
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM generations \(condition) ORDER BY variant, generation DESC", arguments: arguments)
        return try rows.map { row in
            let about = try JSONDecoder().decode(About.self, from: Data((row["about"] as String).utf8))
            let artifacts = try Row.fetchAll(
                database, sql: "SELECT * FROM artifacts WHERE image = ? ORDER BY name", arguments: [row["id"] as Int64]
            ).map { row in
                RegisteredImage.Artifact(
                    name: row["name"], format: ImageOutput.Format(rawValue: row["format"]) ?? .any, sha256: row["sha256"],
                    bytes: row["bytes"],
                    virtualBytes: row["virtualBytes"],
                    shared: (row["shared"] as String?).map { $0.split(separator: ",").compactMap { VariantAxis(rawValue: String($0)) } })
            }
            return RegisteredImage(
                variant: row["variant"], generation: row["generation"], digest: row["digest"], firmwares: about.firmwares,
                guest: about.guest, provenance: about.provenance, log: about.log, artifacts: artifacts)
        }
    }

    private func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await queue.read(body) } catch { throw Self.converted(error, path) }
    }

    private func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await queue.write(body) } catch { throw Self.converted(error, path) }
    }

    private static func guarded<T>(_ path: String, _ body: () throws -> T) throws(Problem) -> T {
        do {
            return try body()
        } catch {
            throw converted(error, path) as? Problem
                ?? Problem(.failure, "the registry's index cannot be opened", location: path, why: "\(error)")
        }
    }

    /// SQLite's complaint as a problem.
    private static func converted(_ error: any Error, _ path: String) -> any Error {
        if error is CancellationError || error is Problem { return error }
        let why =
            (error as? DatabaseError).map { "SQLite: \($0.message ?? "no message") (\($0.extendedResultCode.rawValue))" } ?? "\(error)"
        switch (error as? DatabaseError)?.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, nil:
            return Problem(
                .failure, "the registry's index is damaged", location: path, why: why,
                remedy: "move this folder away, then import an export (`vmlab image import`) or build the images again")
        case .SQLITE_FULL: return ToolRunner.diskFull(while: "writing the registry's index", at: path, why: why)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return Problem(.busy, "another process holds the registry's index", location: path, why: why, remedy: "try again")
        default:
            return Problem(
                .failure, "the registry's index cannot be used", location: path, why: why,
                remedy: "check the folder's permissions and the disk")
        }
    }
}
