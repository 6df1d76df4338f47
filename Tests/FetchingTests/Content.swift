import Crypto
import Fetching
import Foundation
import LabEvents
import Synchronization

/// A content that is served, and what belongs to it.
struct Content: Sendable {
    let bytes: [UInt8]
    let sha256: String
    var tag = "\"one\""

    /// - Parameter seed: another seed is another content.
    init(_ count: Int, seed: UInt64 = 1) {
        var words = [UInt64](repeating: 0, count: (count + 7) / 8)
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        for index in words.indices {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            words[index] = state
        }
        bytes = words.withUnsafeBytes { Array($0.prefix(count)) }
        sha256 = Self.sha256(bytes)
    }

    static func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined() }

    /// The answer of a server that knows ranges and validators.
    func reply(_ request: Server.Request, _ ending: Server.Ending = .whole) -> Server.Reply {
        let offset = request.offset
        let isSame = request.fields["if-range"].map { $0 == tag } ?? true
        guard offset > 0, isSame else { return Server.Reply(fields: [("ETag", tag)], body: bytes, ending: ending) }
        guard offset < bytes.count else { return .text(416, "", [("Content-Range", "bytes */\(bytes.count)")]) }
        return Server.Reply(
            status: 206, fields: [("ETag", tag), ("Content-Range", "bytes \(offset)-\(bytes.count - 1)/\(bytes.count)")],
            body: Array(bytes[offset...]), ending: ending)
    }
}

/// A folder for one test, and what a fetcher in it said.
final class Place: Sendable {
    let path: String
    private let events = Mutex<[FetchEvent]>([])

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/fetching-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var file: String { path + "/file" }
    var said: [FetchEvent] { events.withLock { $0 } }
    var text: String { said.map(\.text).joined(separator: "\n") }
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    func fetcher(_ variables: [String: String] = [:], docker: String? = nil, redactor: Redactor = Redactor()) -> Fetcher {
        var environment = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": path]
        environment.merge(variables) { $1 }
        return Fetcher(
            credentials: Credentials(environment: environment, dockerConfiguration: docker.map { Array($0.utf8) }), redactor: redactor,
            environment: environment
        ) { event in self.events.withLock { $0.append(event) } }
    }

    /// Fetches a URL to ``file``.
    func fetch(_ url: String, _ sha256: String, bytes: Int64? = nil, patience: Duration = .seconds(60), stall: Duration = .seconds(20))
        async throws -> FetchResult
    {
        try await fetcher().fetch(
            FetchRequest(url: url, destination: file, sha256: sha256, bytes: bytes, patience: patience, stall: stall))
    }

    /// The problem that a fetch ends with.
    func problem(_ body: () async throws -> FetchResult) async -> Problem? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? Problem
        }
    }

    func bytes(_ name: String = "file") -> [UInt8]? { FileManager.default.contents(atPath: "\(path)/\(name)").map { [UInt8]($0) } }

    /// All that is in the folder's files, and their names.
    var everything: String {
        ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).map { name in
            name + "\n" + (FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) } ?? "")
        }.joined(separator: "\n")
    }
}
