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
        LocalSocket(path: managementSocket).removeLeftover()
        guard !LocalSocket(path: socketFolder + "/ctl").isListening else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: socketFolder)) ?? [] {
            let isClient = name.contains(".") && name.utf8.allSatisfy { "0123456789.".utf8.contains($0) }
            if name == "ctl" || isClient { LocalSocket(path: socketFolder + "/" + name).remove() }
        }
        rmdir(socketFolder)
    }
}
