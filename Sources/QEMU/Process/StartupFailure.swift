import LabEvents

/// The end of a QEMU that never answered, with its words translated into what a person can act on.
struct StartupFailure {
    let configuration: QEMUConfiguration
    let status: ProcessExit
    /// QEMU's own words, without its name before each line.
    let text: String

    init(_ configuration: QEMUConfiguration, status: ProcessExit, text: String) {
        self.configuration = configuration
        self.status = status
        self.text = text.split(separator: "\n").map { line in
            line.hasPrefix("qemu-system-x86_64: ") ? String(line.dropFirst("qemu-system-x86_64: ".count)) : String(line)
        }.joined(separator: "\n")
    }

    private struct Cause {
        /// Texts of QEMU, any of which tells the cause.
        var signs: [String]
        var problem: Problem
    }

    var problem: Problem {
        let found = causes.first { cause in cause.signs.contains { text.contains($0) } }
        var problem = found?.problem ?? Problem(.failure, "QEMU ended before the guest \(configuration.name) was ready")
        problem.location = problem.location ?? namedFile ?? "guest \(configuration.name)"
        problem.why = text.isEmpty ? "QEMU \(status) and said nothing" : "\(text)\n(QEMU \(status))"
        return problem
    }

    /// The most specific first: QEMU often adds a general line.
    private var causes: [Cause] {
        [
            Cause(
                signs: ["Failed to get \"write\" lock", "Failed to get shared \"write\" lock", "Address already in use"],
                problem: Problem(
                    .busy, "another process uses what the guest \(configuration.name) needs",
                    remedy: "end the other process, or give this guest its own copy")),
            Cause(
                signs: ["No space left on device"],
                problem: .environment(.diskFull, "no space for the guest \(configuration.name)", remedy: "free some space")),
            Cause(
                signs: ["Cannot allocate memory", "Failed to allocate memory", "cannot set up guest memory"],
                problem: .environment(
                    .noMemory, "the host lacks the memory for the guest \(configuration.name)",
                    location: configuration.memory.path,
                    remedy: "stop other programs, or give the guest less than \(configuration.memory.mebibytes) MiB")),
            Cause(
                signs: ["Could not access KVM", "failed to initialize kvm", "kvm_init", "kvm_buf_set_msrs", "KVM internal error"],
                problem: .environment(
                    .kvmUnusable, "KVM cannot run the guest \(configuration.name)", location: "/dev/kvm",
                    remedy: "leave out --accel kvm, so that the guest runs under TCG")),
            Cause(
                signs: ["No such file or directory", "could not open kernel file", "could not load initrd"],
                problem: Problem(
                    .invalidInput, "a file of the guest \(configuration.name) is missing",
                    remedy: "check the path, or build the image again")),
            Cause(
                signs: [
                    "Image is not in qcow2 format", "Image is corrupt", "is corrupt", "Could not read L1", "Could not read qcow2 header",
                    "Unsupported qcow2 version", "invalid kernel header",
                ],
                problem: Problem(
                    .invalidInput, "a disk image of the guest \(configuration.name) is corrupt",
                    remedy: "build or fetch the image again; `qemu-img check FILE` shows the details")),
            Cause(
                signs: ["Permission denied"],
                problem: Problem(
                    .invalidInput, "a file of the guest \(configuration.name) may not be opened", remedy: "check its owner and mode")),
        ]
    }

    /// The configuration's file that QEMU's words name.
    private var namedFile: String? {
        var files = configuration.disks.map(\.path)
        if let kernel = configuration.kernel { files += [kernel.kernel] + (kernel.initrd.map { [$0] } ?? []) }
        if case .uefi(let code, let variables) = configuration.firmware { files += [code, variables] }
        if let file = files.first(where: { text.contains($0) }) { return file }
        // A corrupt header is reported by the option alone, where the disk's node name stands.
        return configuration.disks.enumerated().first { text.contains("node-name=disk\($0.offset),") }?.element.path
    }
}
