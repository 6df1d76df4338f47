import FoundationEssentials
import LabEvents

/// The programs and files of the host that building and inspecting images needs, and the packages that bring them.
struct HostTools: Sendable {
    /// The folders to look in, in order.
    var searchPath: [String]

    /// The folders of `PATH`, then those of the administrator's programs, which a user's PATH on Debian lacks.
    init(path: String? = ProcessInfo.processInfo.environment["PATH"]) {
        searchPath = (path ?? "").split(separator: ":").map(String.init)
        for folder in ["/usr/sbin", "/sbin"] where !searchPath.contains(folder) { searchPath.append(folder) }
    }

    /// Exactly these folders.
    init(searchPath: [String]) { self.searchPath = searchPath }

    /// The package of Debian and Ubuntu that has a program.
    static let packages = [
        "apt-config": "apt", "apt-get": "apt", "cpio": "cpio", "dd": "coreutils", "debugfs": "e2fsprogs", "fakeroot": "fakeroot",
        "flock": "util-linux",
        "mcopy": "mtools", "mke2fs": "e2fsprogs", "mkfs.vfat": "dosfstools", "mmd": "mtools", "mmdebstrap": "mmdebstrap",
        "newuidmap": "uidmap", "qemu-img": "qemu-utils", "sfdisk": "fdisk", "syslinux": "syslinux", "tar": "tar", "xz": "xz-utils",
        "zstd": "zstd", "/usr/lib/syslinux/mbr/gptmbr.bin": "syslinux-common",
    ]

    /// Where the program (or, with a leading `/`, the file) is, if it is there.
    func find(_ name: String) -> String? {
        let candidates = name.hasPrefix("/") ? [name] : searchPath.map { $0 + "/" + name }
        return candidates.first {
            name.hasPrefix("/") ? FileManager.default.fileExists(atPath: $0) : FileManager.default.isExecutableFile(atPath: $0)
        }
    }

    /// Makes sure that all of them are there.
    ///
    /// - Throws: one ``Problem`` `env: tool-missing` that names every absent one and the command that installs them.
    func require(_ names: [String], for purpose: String) throws(Problem) {
        let missing = names.filter { find($0) == nil }
        guard !missing.isEmpty else { return }
        let packages = Set(missing.map { Self.packages[$0] ?? $0 }).sorted()
        throw .environment(
            .toolMissing, "\(purpose) needs programs that are not here: \(missing.joined(separator: ", "))",
            location: "PATH=\(searchPath.joined(separator: ":"))", remedy: "sudo apt-get install -y \(packages.joined(separator: " "))")
    }
}
