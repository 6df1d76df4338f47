import FoundationEssentials

/// The limit on processor time that control groups set.
///
/// Version 2: the file `cpu.max` has `MAX PERIOD` in microseconds, MAX is a number or `max` (Documentation/admin-guide/cgroup-v2.rst in Linux).
/// Version 1: `cpu.cfs_quota_us` (-1 without a limit) over `cpu.cfs_period_us` (Documentation/scheduler/sched-bwc.rst). A group is held by the
/// limits of all groups above it.
enum CPUQuota {
    /// The least limit on this process, in processors; nil without one.
    ///
    /// - Parameter root: the folder that stands for `/`.
    static func measure(root: String) -> Double? {
        let groups = lines(root + "/proc/self/cgroup").compactMap(Group.init)
        return lines(root + "/proc/self/mountinfo").compactMap(Mount.init).flatMap { mount in
            groups.filter { mount.shows($0) }.flatMap { group in
                mount.folders(of: group).compactMap { limit(root + $0, isUnified: group.isUnified) }
            }
        }.min()
    }

    /// One line of /proc/self/cgroup: `NUMBER:CONTROLLERS:PATH` (cgroups(7)).
    private struct Group {
        var isUnified: Bool
        var path: String

        init?(_ line: Substring) {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            isUnified = parts[0] == "0" && parts[1].isEmpty
            path = String(parts[2])
            guard isUnified || parts[1].split(separator: ",").contains("cpu") else { return nil }
        }
    }

    /// One line of /proc/self/mountinfo (proc(5)) that mounts control groups.
    private struct Mount {
        var isUnified: Bool
        /// The group that the mount point shows: a container sees its own group at the mount point.
        var group: String
        var point: String

        init?(_ line: Substring) {
            let halves = line.components(separatedBy: " - ")
            guard halves.count == 2 else { return nil }
            let (place, kind) = (halves[0].split(separator: " "), halves[1].split(separator: " "))
            guard place.count >= 5, kind.count >= 3 else { return nil }
            isUnified = kind[0] == "cgroup2"
            group = String(place[3])
            point = String(place[4])
            guard isUnified || (kind[0] == "cgroup" && kind[2].split(separator: ",").contains("cpu")) else { return nil }
        }

        func shows(_ other: Group) -> Bool { isUnified == other.isUnified }

        /// The folders of a group and of those above it, as far as the mount shows them.
        func folders(of other: Group) -> [String] {
            var path = other.path
            if group != "/", path == group || path.hasPrefix(group + "/") { path.removeFirst(group.count) }
            // A path that leads out of the namespace is not to be followed.
            var names = path.split(separator: "/")
            if names.contains("..") { names = [] }
            return (0...names.count).map { ([point] + names.prefix($0).map(String.init)).joined(separator: "/") }
        }
    }

    private static func limit(_ folder: String, isUnified: Bool) -> Double? {
        func numbers(_ file: String) -> [Double] { lines("\(folder)/\(file)").flatMap { $0.split(separator: " ").map { Double($0) ?? 0 } } }
        let values = isUnified ? numbers("cpu.max") : numbers("cpu.cfs_quota_us") + numbers("cpu.cfs_period_us")
        guard values.count == 2, values[0] > 0, values[1] > 0 else { return nil }
        return values[0] / values[1]
    }

    private static func lines(_ path: String) -> [Substring] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
    }
}
