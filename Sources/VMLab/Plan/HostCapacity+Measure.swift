import FoundationEssentials
import Glibc
public import QEMU

extension HostCapacity {
    /// Looks at this host, now.
    ///
    /// - Parameters:
    ///   - root: the folder that stands for `/`.
    ///   - stateFolder: where runs are kept; it need not exist yet.
    ///   - accelerator: what runs the guests; see ``QEMU/Accelerator/choose(requested:probe:)``.
    ///   - pace: how slow the host is; see ``QEMU/ProbeResult/pace``.
    public static func measure(
        root: String = "", stateFolder: String, accelerator: AcceleratorChoice, pace: Double
    ) -> HostCapacity {
        let memory = field("MemTotal", of: "\(root)/proc/meminfo").flatMap { $0.split(separator: " ").first }.flatMap { Int($0) }
        let sharedMemory = root + "/dev/shm"
        return HostCapacity(
            logicalCPUs: logicalCPUs(root), cpuQuota: CPUQuota.measure(root: root), memoryTotalMiB: (memory ?? 0) / 1024,
            memoryAvailableMiB: GuestMemory.availableMebibytes(root: root), diskFreeMiB: freeMebibytes(existing(stateFolder)),
            sharedMemoryFreeMiB: access(sharedMemory, W_OK) == 0 ? freeMebibytes(sharedMemory) : 0, accelerator: accelerator.accelerator,
            acceleratorReason: accelerator.reason, pace: pace, kernel: text("\(root)/proc/sys/kernel/osrelease").trimmed,
            system: system(root))
    }

    /// The processors that are both allowed and online. The list of the allowed ones (proc(5), `Cpus_allowed_list`) may name processors that
    /// could be plugged in some day, and the list of those online knows nothing of taskset.
    private static func logicalCPUs(_ root: String) -> Int {
        let online = cpus(text("\(root)/sys/devices/system/cpu/online"))
        let allowed = field("Cpus_allowed_list", of: "\(root)/proc/self/status").map(cpus) ?? []
        let both = allowed.isEmpty ? online : online.isEmpty ? allowed : allowed.intersection(online)
        return both.isEmpty ? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) : both.count
    }

    /// The numbers in a list such as `0-3,8` (cpuset(7), list format).
    private static func cpus(_ list: String) -> Set<Int> {
        list.trimmed.split(separator: ",").reduce(into: []) { numbers, range in
            let ends = range.split(separator: "-").compactMap { Int($0) }
            // Linux has at most 8192.
            guard let first = ends.first, let last = ends.last, (0...last).contains(first), last < 8192 else { return }
            numbers.formUnion(first...last)
        }
    }

    private static func system(_ root: String) -> String {
        let lines = text("\(root)/etc/os-release").split(separator: "\n")
        let name = lines.first { $0.hasPrefix("PRETTY_NAME=") }?.dropFirst("PRETTY_NAME=".count)
        return name.map { $0.filter { $0 != "\"" } } ?? "Linux"
    }

    /// The nearest folder above a path that exists.
    static func existing(_ path: String) -> String {
        guard !FileManager.default.fileExists(atPath: path) else { return path }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : existing(String(path[..<slash]))
    }

    private static func freeMebibytes(_ folder: String) -> Int {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return 0 }
        return Int(clamping: (UInt64(status.f_bavail) * UInt64(status.f_frsize)) >> 20)
    }

    /// The rest of the line that begins with a name and a colon.
    private static func field(_ name: String, of path: String) -> String? {
        text(path).split(separator: "\n").first { $0.hasPrefix(name + ":") }.map { String($0.dropFirst(name.count + 1)).trimmed }
    }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}

extension String {
    /// The text without the white space around it.
    fileprivate var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
