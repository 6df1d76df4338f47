import FoundationEssentials
public import LabEvents
internal import Subprocess
import Synchronization
internal import SystemPackage

import Glibc

/// Finds out whether an accelerator runs guests, by running one.
///
/// /dev/kvm can open, make a machine and a processor, and still run no guest; only the answer that the guest itself computes counts.
public struct AcceleratorProbe: Sendable {
    /// The path of qemu-system-x86_64.
    public var executable: String
    /// Where results are kept, and the guest's disk while it runs; made when absent.
    public var cacheFolder: String
    /// How long the guest may take; 5 s by default, of which it needs about 0.1 s under KVM and 0.3 s under TCG.
    public var limit: Duration
    /// The KVM device.
    public var device: String

    /// A probe.
    ///
    /// - Throws: an environment problem with the key `tool-missing` when no executable is given and none is on PATH.
    public init(
        cacheFolder: String, executable: String? = nil, limit: Duration = .seconds(5), device: String = "/dev/kvm"
    ) throws(Problem) {
        if let executable {
            self.executable = executable
        } else {
            self.executable = try HostTool.qemu.locate()
        }
        self.cacheFolder = cacheFolder
        self.limit = limit
        self.device = device
    }

    /// Whether KVM runs guests: from the cache when this QEMU was probed since the host's boot, else by a probe.
    ///
    /// That the device is absent or not permitted is found anew each time: it costs nothing and can change at once.
    ///
    /// - Throws: a problem when the probe itself cannot be made, for example when the cache folder cannot be written.
    public func kvm() async throws(Problem) -> ProbeResult {
        if let reason = deviceTrouble { return ProbeResult(accelerator: .kvm, verdict: .unusable(reason), seconds: 0) }
        let cache = ProbeCache(folder: cacheFolder, accelerator: .kvm, executable: executable)
        if let result = cache.load() { return result }
        let result = try await run(.kvm)
        cache.store(result)
        return result
    }

    /// Runs the probe guest, whatever the cache says. The time it takes tells how fast the host is.
    ///
    /// - Throws: a problem when QEMU cannot be run or the cache folder cannot be written; cancelled, a problem that says so.
    public func run(_ accelerator: Accelerator) async throws(Problem) -> ProbeResult {
        let disk = try makeDisk()
        defer { try? FileManager.default.removeItem(atPath: disk) }
        let arguments = Self.arguments(accelerator, disk: disk)
        let executable = self.executable
        let said = Mutex("")
        let clock = ContinuousClock()
        let start = clock.now
        let ended = await withDeadline(limit) { () -> Result<ProcessExit, Problem>? in
            do {
                let result = try await Subprocess.run(
                    .path(FilePath(executable)), arguments: Arguments(arguments), environment: .inherit.updating(["LC_ALL": "C"]),
                    input: .none, output: .sequence, error: .combinedWithOutput
                ) { execution in
                    for try await chunk in execution.standardOutput {
                        let text = chunk.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                        said.withLock { $0 += text }
                        // QEMU stays, with the guest stopped; there is nothing more to wait for.
                        if said.withLock({ $0.contains(Self.failureSign) }) { try execution.send(signal: .kill) }
                    }
                }
                return .success(ProcessExit(result.terminationStatus))
            } catch {
                return .failure(Problem(.failure, "cannot run the probe guest", location: executable, why: "\(error)"))
            }
        }
        let elapsed = clock.now - start
        let words = said.withLock { $0 }
        if ended == nil, Task.isCancelled { throw Problem(.failure, "the probe of \(accelerator.rawValue) was cancelled") }
        if case .failure(let problem) = ended, !words.contains(Self.failureSign) { throw problem }
        let verdict = Self.verdict(words: words, status: try? ended?.get(), limit: limit)
        return ProbeResult(accelerator: accelerator, verdict: verdict, seconds: elapsed / .seconds(1))
    }

    /// How QEMU's words begin when KVM gives up on a guest.
    private static let failureSign = "KVM internal error"

    static func verdict(words: String, status: ProcessExit?, limit: Duration) -> ProbeResult.Verdict {
        let lines = words.split(separator: "\n").map { line in
            line.hasPrefix("qemu-system-x86_64: ") ? String(line.dropFirst("qemu-system-x86_64: ".count)) : String(line)
        }
        if status == .exited(ProbePayload.exitStatus), lines.contains(ProbePayload.answer) { return .usable }
        let excerpt = String(lines.prefix(4).joined(separator: "; ").prefix(600))
        if words.contains(failureSign) { return .unusable(.internalError(excerpt)) }
        guard let status else { return .unusable(.noAnswer(seconds: limit / .seconds(1))) }
        return .unusable(.ended(status, words: excerpt))
    }

    /// The command line: the same machine and processor as real guests have, because a host may run one and not the other.
    static func arguments(_ accelerator: Accelerator, disk: String) -> [String] {
        let drive = QEMUOption().adding("driver", "raw").adding("node-name", "probe").adding("read-only", true)
            .adding("file.driver", "file").adding("file.filename", disk)
        return ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-m", "64M"] + accelerator.arguments + [
            "-blockdev", drive.text, "-device", "virtio-blk-pci,drive=probe,bootindex=0",
            "-chardev", "stdio,id=answer,signal=off", "-device", "isa-debugcon,iobase=0xe9,chardev=answer",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        ]
    }

    private var deviceTrouble: UnusableReason? {
        let descriptor = open(device, O_RDWR | O_CLOEXEC)
        let failure = errno
        guard descriptor < 0 else {
            close(descriptor)
            return nil
        }
        switch failure {
        case ENOENT, ENXIO, ENODEV: return .noDevice(path: device)
        case EACCES, EPERM: return .notPermitted(path: device)
        default: return .notOpened(path: device, reason: "\(Errno(rawValue: failure))")
        }
    }

    private func makeDisk() throws(Problem) -> String {
        let path = "\(cacheFolder)/probe-\(UUID().uuidString.lowercased()).img"
        do {
            try FileManager.default.createDirectory(atPath: cacheFolder, withIntermediateDirectories: true)
            try Data(ProbePayload.disk).write(to: URL(filePath: path))
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw Problem(
                .failure, "cannot write the probe guest's disk", location: path, why: "\(error)",
                remedy: "free some space, or choose another cache folder")
        }
        return path
    }
}
