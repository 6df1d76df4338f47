import Foundation
import QEMU
import Testing

@testable import VMLab

@Suite(.tier(.unit)) struct HostCapacityTests {
    struct Host: Sendable, CustomTestStringConvertible {
        var name: String
        var files: [String: String]
        var cpus: Int
        var quota: Double?
        var usable: Int
        var testDescription: String { name }
    }

    private static func files(
        online: String, allowed: String? = nil, groups: String = "0::/user.slice\n", mounts: String = unified,
        _ more: [String: String] = [:]
    ) -> [String: String] {
        let files = [
            "/sys/devices/system/cpu/online": online + "\n",
            "/proc/self/status": "Name:\tvmlab\nCpus_allowed:\tf\nCpus_allowed_list:\t\(allowed ?? online)\nThreads:\t1\n",
            "/proc/self/cgroup": groups, "/proc/self/mountinfo": mounts,
        ]
        return files.merging(more) { $1 }
    }

    private static let unified = """
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
        31 22 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate

        """
    private static let split = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        33 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

        """

    @Test(arguments: [
        Host(name: "plain host", files: files(online: "0-7"), cpus: 8, usable: 8),
        Host(
            name: "GitHub runner, no limit in any group",
            files: files(
                online: "0-3", groups: "0::/system.slice/hosted-compute-agent.service\n",
                ["/sys/fs/cgroup/system.slice/cpu.max": "max 100000\n"]),
            cpus: 4, usable: 4),
        Host(
            name: "docker --cpus 1.5, its group is its root",
            files: files(online: "0-7", groups: "0::/\n", ["/sys/fs/cgroup/cpu.max": "150000 100000\n"]), cpus: 8, quota: 1.5, usable: 1),
        Host(
            name: "a limit of a group above counts, the least of all",
            files: files(
                online: "0-7", groups: "0::/user.slice/job/step\n",
                [
                    "/sys/fs/cgroup/user.slice/cpu.max": "600000 100000\n", "/sys/fs/cgroup/user.slice/job/cpu.max": "25000 10000\n",
                    "/sys/fs/cgroup/user.slice/job/step/cpu.max": "max 100000\n", "/sys/fs/cgroup/other/cpu.max": "1000 100000\n",
                ]),
            cpus: 8, quota: 2.5, usable: 2),
        Host(
            name: "version 1 on a host",
            files: files(
                online: "0-7", groups: "9:cpuset:/\n4:cpu,cpuacct:/ci/job\n0::/\n", mounts: split,
                [
                    "/sys/fs/cgroup/cpu,cpuacct/ci/cpu.cfs_quota_us": "300000\n",
                    "/sys/fs/cgroup/cpu,cpuacct/ci/cpu.cfs_period_us": "100000\n",
                    "/sys/fs/cgroup/cpu,cpuacct/ci/job/cpu.cfs_quota_us": "-1\n",
                    "/sys/fs/cgroup/cpu,cpuacct/ci/job/cpu.cfs_period_us": "100000\n",
                ]),
            cpus: 8, quota: 3, usable: 3),
        Host(
            name: "version 1 in a container: the mount's root is its group, and the job has one below",
            files: files(
                online: "0-7", groups: "4:cpu,cpuacct:/docker/0123/job\n",
                mounts: "32 31 0:29 /docker/0123 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
                [
                    "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "50000\n",
                    "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                ]),
            cpus: 8, quota: 0.5, usable: 1),
        Host(name: "taskset", files: files(online: "0-7", allowed: "1,4-5"), cpus: 3, usable: 3),
        Host(
            name: "processors that could be plugged in are not there", files: files(online: "0-3", allowed: "0-127"), cpus: 4, usable: 4),
        Host(
            name: "a quota of more than there is, and one that leads out of the namespace",
            files: files(
                online: "0-1", groups: "0::/../../x\n", ["/sys/fs/cgroup/cpu.max": "800000 100000\n", "/sys/fs/cpu.max": "100000 100000\n"]),
            cpus: 2, quota: 8,
            usable: 2),
    ]) func `processors are those allowed, online and paid for`(_ host: Host) async throws {
        try await PlanFixtures.withTree(host.files) { root in
            let capacity = Self.measure(root)
            #expect(capacity.logicalCPUs == host.cpus)
            #expect(capacity.cpuQuota == host.quota)
            #expect(capacity.usableCPUs == host.usable)
        }
    }

    @Test func `memory, kernel and system are read, and a state folder need not exist`() async throws {
        let files = [
            "/proc/meminfo": "MemTotal:       16372000 kB\nMemFree: 1 kB\nMemAvailable:   15360000 kB\n",
            "/proc/sys/kernel/osrelease": "6.11.0-1018-azure\n", "/dev/shm/x": "",
            "/etc/os-release": "NAME=\"Ubuntu\"\nPRETTY_NAME=\"Ubuntu 24.04.2 LTS\"\n",
        ]
        try await PlanFixtures.withTree(files) { root in
            let capacity = Self.measure(root)
            #expect(capacity.memoryTotalMiB == 15988)
            #expect(capacity.memoryAvailableMiB == 15000)
            #expect(capacity.kernel == "6.11.0-1018-azure")
            #expect(capacity.system == "Ubuntu 24.04.2 LTS")
            #expect(capacity.diskFreeMiB > 0)
            #expect(capacity.sharedMemoryFreeMiB > 0)
            #expect(capacity.accelerator == .kvm)
            #expect(capacity.pace == 1.5)
        }
    }

    @Test(arguments: [("/", "/"), ("/tmp/not-there/x/", "/tmp"), ("/not-there", "/"), ("not-there/x", "."), ("/tmp", "/tmp")])
    func `free space is that of the nearest folder`(path: String, folder: String) {
        #expect(HostCapacity.existing(path) == folder)
    }

    @Test func `a host that says nothing has one processor at least and no memory`() async throws {
        try await PlanFixtures.withTree([:]) { root in
            let capacity = Self.measure(root)
            #expect(capacity.usableCPUs >= 1)
            #expect(capacity.cpuQuota == nil)
            #expect(capacity.memoryTotalMiB == 0)
            #expect(capacity.sharedMemoryFreeMiB == 0)
        }
    }

    @Test func `this host can be measured`() {
        let capacity = HostCapacity.measure(
            stateFolder: FileManager.default.temporaryDirectory.path, accelerator: AcceleratorChoice(accelerator: .tcg), pace: 1)
        #expect(capacity.usableCPUs <= ProcessInfo.processInfo.activeProcessorCount)
        #expect(capacity.memoryAvailableMiB <= capacity.memoryTotalMiB)
        #expect(capacity.memoryAvailableMiB > 0)
        #expect(!capacity.kernel.isEmpty)
    }

    private static func measure(_ root: String) -> HostCapacity {
        HostCapacity.measure(root: root, stateFolder: root + "/not/there", accelerator: AcceleratorChoice(accelerator: .kvm), pace: 1.5)
    }
}
