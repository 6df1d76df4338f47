import Foundation
import LabEvents
import Testing

@testable import QEMU

@Suite(.tier(.unit)) struct HostTests {
    @Test func `a missing program names its package`() async throws {
        try await withTestFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/qemu-img", withIntermediateDirectories: false)
            let problem = #expect(throws: Problem.self) { try HostTool.qemuImage.locate(searchPath: "relative:\(folder)") }
            #expect(problem?.key == .toolMissing)
            #expect(problem?.remedy == "./ci/setup, or: sudo apt-get install qemu-utils")
        }
    }

    @Test func `no firmware names its package`() async throws {
        try await withTestFolder { folder in
            let problem = #expect(throws: Problem.self) { try Firmware.locate(root: folder) }
            #expect(problem?.key == .firmwareMissing)
            #expect(problem?.remedy?.contains("ovmf") == true)
        }
    }

    @Test func `the 4 MB firmware comes first, a pair is complete, and the variables are copied once`() async throws {
        try await withTestFolder { folder in
            let base = folder + "/usr/share/OVMF/"
            try write("c2", to: base + "OVMF_CODE.fd")
            try write("v2", to: base + "OVMF_VARS.fd")
            try write("c4", to: base + "OVMF_CODE_4M.fd")
            #expect(try Firmware.locate(root: folder).code == base + "OVMF_CODE.fd")
            try write("v4", to: base + "OVMF_VARS_4M.fd")
            let firmware = try Firmware.locate(root: folder)
            #expect(firmware.code == base + "OVMF_CODE_4M.fd")
            let copy = folder + "/vars.fd"
            #expect(try firmware.prepare(variables: copy) == .uefi(code: firmware.code, variables: copy))
            #expect(text(copy) == "v4")
            try write("changed by the guest", to: copy)
            _ = try firmware.prepare(variables: copy)
            #expect(text(copy) == "changed by the guest")
        }
    }

    @Test func `memory that the host lacks is refused with the numbers`() throws {
        let problem = #expect(throws: Problem.self) { try GuestMemory.require(guests: [1024, 2048], available: 3000) }
        #expect(problem?.key == .noMemory)
        #expect(problem?.why == "needed: 3264 MiB (RAM of 1024 MiB, 2048 MiB, and 96 MiB each for QEMU); available: 3000 MiB")
        try GuestMemory.require(guests: [1024, 2048], available: 3264)
    }

    @Test func `available memory is the host's, or the control group's where that is less`() async throws {
        try await withTestFolder { folder in
            try write("MemTotal: 9 kB\nMemAvailable:    2097152 kB\n", to: folder + "/proc/meminfo")
            #expect(GuestMemory.availableMebibytes(root: folder) == 2048)
            try write("max\n", to: folder + "/sys/fs/cgroup/memory.max")
            try write("104857600\n", to: folder + "/sys/fs/cgroup/memory.current")
            #expect(GuestMemory.availableMebibytes(root: folder) == 2048)
            try write("1073741824\n", to: folder + "/sys/fs/cgroup/memory.max")
            try write("anon 1\ninactive_file 52428800\n", to: folder + "/sys/fs/cgroup/memory.stat")
            #expect(GuestMemory.availableMebibytes(root: folder) == 974)
        }
        #expect(GuestMemory.availableMebibytes() > 0)
    }

    @Test func `RAM files live where there is room`() {
        #expect(GuestMemory.place(mebibytes: 1, folder: "/chosen", runFolder: "/run").folder == "/chosen")
        #expect(GuestMemory.place(mebibytes: 1, runFolder: "/run", sharedMemory: "/does/not/exist").folder == "/run")
        let tooMuch = GuestMemory.place(mebibytes: 1 << 40, runFolder: "/run", sharedMemory: "/tmp")
        #expect(tooMuch.folder == "/run")
        #expect(tooMuch.reason.contains("MiB free and the guests need"))
        #expect(GuestMemory.place(mebibytes: 1, runFolder: "/run", sharedMemory: "/tmp").folder == "/tmp")
    }

    @Test func `a process is known by its start time`() {
        let own = ProcessInfo.processInfo.processIdentifier
        #expect(ProcessRecord.startTime(pid: own) ?? 0 > 0)
        #expect(ProcessRecord.startTime(pid: own) == ProcessRecord.startTime(pid: own))
        #expect(ProcessRecord.startTime(pid: Int32.max) == nil)
    }

    struct Failure: Sendable {
        var text: String
        var kind: Problem.Kind
        var key: EnvironmentKey?
        var location: String?
    }

    @Test(arguments: [
        Failure(
            text: "qemu-system-x86_64: -blockdev driver=qcow2,node-name=disk1,file=disk1-file: Image is not in qcow2 format",
            kind: .invalidInput, location: "/d1"),
        Failure(
            text: "-blockdev driver=file,filename=/d0: Could not open '/d0': No such file or directory", kind: .invalidInput,
            location: "/d0"),
        Failure(
            text: "cannot set up guest memory 'ram': Cannot allocate memory", kind: .environment, key: .noMemory, location: "/dev/shm/ram"),
        Failure(text: "Failed to get \"write\" lock\nIs another process using the image [/d0]?", kind: .busy, location: "/d0"),
        Failure(text: "failed to bind socket: Address already in use", kind: .busy),
        Failure(
            text: "error: failed to set MSR\n… kvm_buf_set_msrs: Assertion", kind: .environment, key: .kvmUnusable, location: "/dev/kvm"),
        Failure(text: "", kind: .failure),
        Failure(text: "something new", kind: .failure),
    ]) func `QEMU's last words are translated`(_ failure: Failure) {
        var configuration = sample()
        configuration.disks = [Disk(path: "/d0"), Disk(path: "/d1")]
        let problem = StartupFailure(configuration, status: .exited(1), text: failure.text).problem
        #expect(problem.kind == failure.kind)
        #expect(problem.key == failure.key)
        #expect(problem.location == failure.location ?? "guest node-a")
        #expect(problem.why?.contains("exited with status 1") == true)
    }

    @Test func `one reboot is one boot although the firmware resets again`() {
        let start = Date(timeIntervalSince1970: 1000)
        let resets: [(after: Double, byGuest: Bool, isSilent: Bool)] = [
            (0, true, true), (0.1, true, true), (0.2, true, true), (0.3, false, true), (0.4, true, false), (9, true, true),
        ]
        var filter = ResetFilter()
        let boots = resets.map { filter.beginsBoot(at: start + $0.after, byGuest: $0.byGuest, isSilent: $0.isSilent) }
        #expect(boots == [true, false, false, true, true, true])
    }
}
