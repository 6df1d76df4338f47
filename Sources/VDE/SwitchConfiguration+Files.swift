import FoundationEssentials
import Glibc

extension SwitchConfiguration {
    /// The socket folder without symbolic links above it, which is the name that the switch uses.
    var resolvedFolder: String {
        let folder = URL(filePath: socketFolder)
        guard let parent = realpath(folder.deletingLastPathComponent().path, nil) else { return socketFolder }
        defer { free(parent) }
        return String(cString: parent) + "/" + folder.lastPathComponent
    }

    /// Removes the sockets that a killed switch leaves, and their folder if nothing else is in it. Those that a switch listens on are another
    /// one's, and stay.
    func removeLeftovers() {
        if !isListening(managementSocket) { removeSocket(managementSocket) }
        guard !isListening(socketFolder + "/ctl") else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: socketFolder)) ?? [] {
            let isClient = name.contains(".") && name.utf8.allSatisfy { "0123456789.".utf8.contains($0) }
            if name == "ctl" || isClient { removeSocket(socketFolder + "/" + name) }
        }
        rmdir(socketFolder)
    }

    private func removeSocket(_ path: String) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
    }

    private func isListening(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
