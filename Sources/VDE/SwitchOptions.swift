public import LabEvents

/// How a switch is started and talked to, as opposed to what it is made of.
public struct SwitchOptions: Sendable {
    /// The file to which the switch's standard output and error are appended.
    public var log: String
    /// The program; nil looks for `vde_switch` on PATH.
    public var executable: String?
    /// The folders to look in, separated by colons; nil for this process's PATH.
    public var searchPath: String?
    /// A program with its arguments that is run instead and must exec the command that follows its own arguments, for example to record its
    /// pid first.
    public var launcher: [String]
    /// How long the switch may take until its management socket answers. 10 s by default; multiply by the host's pace.
    public var startLimit: Duration
    /// How long one management call may take. 10 s by default; multiply by the host's pace.
    public var callLimit: Duration

    /// Options; only the log has no default.
    public init(
        log: String, executable: String? = nil, searchPath: String? = nil, launcher: [String] = [], startLimit: Duration = .seconds(10),
        callLimit: Duration = .seconds(10)
    ) {
        self.log = log
        self.executable = executable
        self.searchPath = searchPath
        self.launcher = launcher
        self.startLimit = startLimit
        self.callLimit = callLimit
    }
}

extension HostTool {
    /// The switch.
    public static let vdeSwitch = HostTool(name: "vde_switch", package: "vde2")
}
