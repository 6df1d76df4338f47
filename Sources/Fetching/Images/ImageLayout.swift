import FoundationEssentials
import Glibc
import LabEvents

/// A folder in the form of the OCI Image Layout (opencontainers/image-spec, `image-layout.md`), and beside it where it came from.
struct ImageLayout: Sendable {
    var path: String

    /// Where a layout came from: a file of ours in it, which the specification leaves room for.
    struct Origin: Codable, Equatable {
        var source: String
        var platform: String
        var manifest: String
    }

    /// What a layout is found to be.
    struct Finding: Equatable {
        /// The digest of the manifest that `index.json` names.
        var manifest: String
        /// The bytes of all its blobs.
        var bytes: Int64
    }

    /// A blob that is absent or has another content.
    struct Damage: Error {
        var path: String
    }

    private struct Descriptor: Decodable { var digest: String }
    private struct Manifest: Decodable {
        var config: Descriptor?
        var layers: [Descriptor]?
        var manifests: [Descriptor]?
    }

    private var originPath: String { path + "/vmlab-source.json" }

    /// Where it came from; nil when it was not fetched by this program.
    var origin: Origin? {
        (try? Data(contentsOf: URL(filePath: originPath))).flatMap { try? JSONDecoder().decode(Origin.self, from: $0) }
    }

    func write(_ origin: Origin) throws(Problem) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(origin).write(to: URL(filePath: originPath))
        } catch {
            throw .writing("cannot write a file", at: originPath, code: (error as? CocoaError)?.code == .fileWriteOutOfSpace ? ENOSPC : EIO)
        }
    }

    /// Reads all of it and compares every blob with its name.
    ///
    /// - Throws: ``Damage`` for the first that is not what it is called.
    func verify() throws(Damage) -> Finding {
        guard let data = try? Data(contentsOf: URL(filePath: path + "/index.json")),
            let index = try? JSONDecoder().decode(Manifest.self, from: data), let first = index.manifests?.first
        else { throw Damage(path: path + "/index.json") }
        var (bytes, seen): (Int64, Set<String>) = (0, [])
        var open = (index.manifests ?? []).map { (digest: $0.digest, isManifest: true) }
        while let next = open.popLast() {
            guard seen.insert(next.digest).inserted else { continue }
            let blob = blob(next.digest)
            guard let digest = FileDigest.normalized(next.digest), let found = FileDigest.ofFile(blob), found.sha256 == digest else {
                throw Damage(path: blob)
            }
            bytes += found.bytes
            guard next.isManifest else { continue }
            guard let data = try? Data(contentsOf: URL(filePath: blob)), let manifest = try? JSONDecoder().decode(Manifest.self, from: data)
            else {
                throw Damage(path: blob)
            }
            open += (manifest.manifests ?? []).map { ($0.digest, true) }
            open += ([manifest.config].compactMap { $0 } + (manifest.layers ?? [])).map { ($0.digest, false) }
        }
        return Finding(manifest: first.digest, bytes: bytes)
    }

    /// The bytes in it now, half a blob too.
    var bytes: Int64 {
        var sum: Int64 = 0
        for name in (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? [] {
            var status = stat()
            if lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG { sum += Int64(status.st_size) }
        }
        return sum
    }

    /// Removes what a try that was killed left of a blob, and the index, which only the end of a copy writes.
    func tidy() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        for name in names where name.hasPrefix("oci-put-blob") || name == "index.json" { unlink("\(path)/\(name)") }
    }

    private func blob(_ digest: String) -> String {
        // A digest of another form has no place in a path.
        "\(path)/blobs/sha256/\(FileDigest.normalized(digest) ?? "unknown")"
    }
}
