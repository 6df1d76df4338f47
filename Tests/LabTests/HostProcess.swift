import Foundation
import Glibc

/// A process of this host as /proc shows it.
struct HostProcess: CustomStringConvertible {
    let pid: Int32
    let words: [String]
    private let environment: [UInt8]

    var description: String { "process \(pid) \(words.joined(separator: " ").prefix(160))" }

    /// All that run and are ours to look at. A zombie does not run: what is left of it is its parent's to collect, and some containers' first process never does.
    static func all() -> [HostProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in Int32(name).flatMap(HostProcess.init(pid:)) }
    }

    init?(pid: Int32) {
        guard let stat = Self.read(pid, "stat"), let name = stat.lastIndex(of: UInt8(ascii: ")")),
            let state = stat.dropFirst(name + 2).first,
            state != UInt8(ascii: "Z"), state != UInt8(ascii: "X"), let line = Self.read(pid, "cmdline")
        else { return nil }
        self.pid = pid
        words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        environment = Self.read(pid, "environ") ?? []
    }

    /// Whether its environment has a variable.
    func has(_ variable: String) -> Bool { environment.split(separator: 0).contains(Array(variable.utf8)[...]) }

    /// Whether its arguments, its environment or a file that it has open say a word.
    func names(_ word: String) -> Bool {
        if words.contains(where: { $0.contains(word) }) || String(decoding: environment, as: UTF8.self).contains(word) { return true }
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
        return descriptors.contains { descriptor in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(descriptor)"))?.contains(word) == true
        }
    }

    private static func read(_ pid: Int32, _ file: String) -> [UInt8]? {
        let descriptor = open("/proc/\(pid)/\(file)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += piece[..<count]
        }
    }
}
