/// How a guest is started, as opposed to what it is made of.
public struct QEMUOptions: Sendable {
    /// The program; nil looks for `qemu-system-x86_64` on PATH.
    public var executable: String?
    /// The folders to look in, separated by colons; nil for this process's PATH.
    public var searchPath: String?
    /// A program with its arguments that is run instead and must exec the command that follows its own arguments, for example to record its
    /// pid first.
    public var launcher: [String]
    /// The file to which QEMU's standard output and error are appended.
    public var log: String
    /// Gets every line of the QMP conversation; see ``QMPTraffic``.
    public var transcript: (@Sendable (QMPTraffic) -> Void)?
    /// How long QEMU may take until it answers on QMP. 20 s by default; multiply by the host's pace.
    public var startLimit: Duration
    /// Whether the RAM file is removed with the guest. True by default.
    public var removesMemoryFile: Bool

    /// Options; only the log has no default.
    public init(
        log: String, executable: String? = nil, searchPath: String? = nil, launcher: [String] = [],
        transcript: (@Sendable (QMPTraffic) -> Void)? = nil, startLimit: Duration = .seconds(20), removesMemoryFile: Bool = true
    ) {
        self.log = log
        self.executable = executable
        self.searchPath = searchPath
        self.launcher = launcher
        self.transcript = transcript
        self.startLimit = startLimit
        self.removesMemoryFile = removesMemoryFile
    }
}
