import FoundationEssentials

import Glibc

/// The kept result of a probe, good for one boot of the host and one QEMU binary.
struct ProbeCache {
    private struct Entry: Codable {
        var key: String
        var result: ProbeResult
    }

    private let path: String
    private let key: String?

    init(folder: String, accelerator: Accelerator, executable: String, bootIdentifierFile: String = "/proc/sys/kernel/random/boot_id") {
        path = "\(folder)/accelerator-\(accelerator.rawValue).json"
        key = Self.key(executable: executable, bootIdentifierFile: bootIdentifierFile)
    }

    /// The kept result; nil when there is none, or it is another boot's or another binary's.
    func load() -> ProbeResult? {
        guard let key, let data = try? Data(contentsOf: URL(filePath: path)),
            let entry = try? JSONDecoder().decode(Entry.self, from: data), entry.key == key
        else { return nil }
        return entry.result
    }

    /// Keeps a result. A cache that cannot be written costs the next run a probe, nothing else.
    func store(_ result: ProbeResult) {
        guard let key, let data = try? JSONEncoder().encode(Entry(key: key, result: result)) else { return }
        try? data.write(to: URL(filePath: path), options: .atomic)
    }

    /// What a result depends on; nil when it cannot be told, and then nothing is kept.
    private static func key(executable: String, bootIdentifierFile: String) -> String? {
        guard let boot = try? String(contentsOfFile: bootIdentifierFile, encoding: .utf8) else { return nil }
        var status = stat()
        guard stat(executable, &status) == 0 else { return nil }
        let modified = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        return [boot.filter { !$0.isWhitespace }, executable, "\(status.st_size)", modified, ProbePayload.answer].joined(separator: " ")
    }
}
