import FoundationEssentials
public import LabEvents

import Glibc

/// Whether the host has the memory that guests need, and where their RAM files live.
public enum GuestMemory {
    /// What QEMU needs besides the guest's RAM, in MiB: its own heap, translated code and disk caches.
    public static let overheadMebibytes = 96

    /// Where a RAM file lives, and why there.
    public struct Place: Equatable, Sendable {
        /// The folder.
        public var folder: String
        /// The reason, one sentence, for the report.
        public var reason: String
    }

    /// The memory that new processes can use without swapping, in MiB: `MemAvailable` of /proc/meminfo (proc(5)), or what the control group
    /// has left where that is less, as in a container with a limit.
    ///
    /// - Parameter root: the folder that stands for `/`.
    public static func availableMebibytes(root: String = "") -> Int {
        let host = meminfo(root).map { $0 / 1024 } ?? 0
        let group = groupLeft(root)
        return group.map { min($0, host) } ?? host
    }

    /// Refuses when the host lacks the memory for guests.
    ///
    /// - Parameters:
    ///   - guests: the RAM of each guest that is about to start, in MiB.
    ///   - available: the host's available memory in MiB.
    /// - Throws: an environment problem with the key `no-memory` and the numbers.
    public static func require(guests: [Int], available: Int = availableMebibytes()) throws(Problem) {
        let needed = guests.reduce(0) { $0 + $1 + overheadMebibytes }
        guard needed > available else { return }
        let sizes = guests.map { "\($0) MiB" }.joined(separator: ", ")
        throw .environment(
            .noMemory, "the host lacks the memory for \(guests.count == 1 ? "the guest" : "\(guests.count) guests")",
            why: "needed: \(needed) MiB (RAM of \(sizes), and \(overheadMebibytes) MiB each for QEMU); available: \(available) MiB",
            remedy: "stop other programs, or give the guests less memory")
    }

    /// Picks the folder for RAM files: /dev/shm when it has room for all of it, else the run's folder.
    ///
    /// The file is sparse, so a file system that is too small is noticed only when the guest touches the page that does not fit, and kills
    /// QEMU (SIGBUS).
    ///
    /// - Parameters:
    ///   - mebibytes: the RAM of all guests together, in MiB.
    ///   - folder: a folder that the user chose, which is taken as it is; nil to let this choose.
    ///   - runFolder: the folder on disk to fall back to.
    public static func place(
        mebibytes: Int, folder: String? = nil, runFolder: String, sharedMemory: String = "/dev/shm"
    ) -> Place {
        if let folder { return Place(folder: folder, reason: "\(folder) was asked for") }
        guard let free = freeMebibytes(sharedMemory) else {
            return Place(folder: runFolder, reason: "\(sharedMemory) is not there; RAM files on disk are slower")
        }
        // Something must stay free for others who use the same tmpfs.
        guard free >= mebibytes + 16, access(sharedMemory, W_OK) == 0 else {
            return Place(
                folder: runFolder,
                reason: "\(sharedMemory) has \(free) MiB free and the guests need \(mebibytes) MiB; RAM files on disk are slower")
        }
        return Place(folder: sharedMemory, reason: "\(sharedMemory) has \(free) MiB free")
    }

    private static func meminfo(_ root: String) -> Int? {
        guard let text = try? String(contentsOfFile: root + "/proc/meminfo", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    /// What a control group (version 2) has left, in MiB; page cache counts as free because the kernel drops it first.
    private static func groupLeft(_ root: String) -> Int? {
        let folder = root + "/sys/fs/cgroup/"
        func number(_ file: String) -> Int? {
            (try? String(contentsOfFile: folder + file, encoding: .utf8)).flatMap { Int($0.filter(\.isNumber)) }
        }
        guard let limit = number("memory.max"), let used = number("memory.current") else { return nil }
        let stat = (try? String(contentsOfFile: folder + "memory.stat", encoding: .utf8)) ?? ""
        let cache =
            stat.split(separator: "\n").first { $0.hasPrefix("inactive_file ") }
            .flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0
        return max(0, limit - used + cache) >> 20
    }

    private static func freeMebibytes(_ folder: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return Int(status.f_bavail * UInt(status.f_frsize)) >> 20
    }
}
