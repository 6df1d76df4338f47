extension QMP {
    /// Asks whether the processors run, and if not why.
    public struct QueryStatus: QMPPlainCommand {
        /// The answer.
        public typealias Return = QMP.Status
        /// `query-status`.
        public var name: String { "query-status" }
        /// The command.
        public init() {}
    }

    /// Lets the processors run; also the first start of a guest.
    public struct Continue: QMPPlainCommand {
        /// `cont`.
        public var name: String { "cont" }
        /// The command.
        public init() {}
    }

    /// Makes the processors stand still.
    public struct Stop: QMPPlainCommand {
        /// `stop`.
        public var name: String { "stop" }
        /// The command.
        public init() {}
    }

    /// Presses the power button: the guest is asked to power off and may take its time or refuse.
    public struct Powerdown: QMPPlainCommand {
        /// `system_powerdown`.
        public var name: String { "system_powerdown" }
        /// The command.
        public init() {}
    }

    /// Resets the machine at once, like the reset button.
    public struct Reset: QMPPlainCommand {
        /// `system_reset`.
        public var name: String { "system_reset" }
        /// The command.
        public init() {}
    }

    /// Ends QEMU at once, without asking the guest.
    public struct Quit: QMPPlainCommand {
        /// `quit`.
        public var name: String { "quit" }
        /// The command.
        public init() {}
    }

    /// Asks for QEMU's version.
    public struct QueryVersion: QMPPlainCommand {
        /// The answer.
        public typealias Return = QMP.Version
        /// `query-version`.
        public var name: String { "query-version" }
        /// The command.
        public init() {}
    }

    /// Asks whether KVM runs the guest.
    public struct QueryKVM: QMPPlainCommand {
        /// The answer.
        public typealias Return = QMP.KVM
        /// `query-kvm`.
        public var name: String { "query-kvm" }
        /// The command.
        public init() {}
    }

    /// The answer of ``QueryStatus``.
    public struct Status: Decodable, Sendable, Equatable {
        /// Whether the processors run.
        public var running: Bool
        /// QEMU's RunState, for example `running`, `prelaunch`, `paused`, `guest-panicked`, `internal-error`, `io-error`.
        public var status: String
    }

    /// The answer of ``QueryVersion``.
    public struct Version: Decodable, Sendable, Equatable {
        /// The three numbers.
        public struct Numbers: Decodable, Sendable, Equatable {
            /// The first number.
            public var major: Int
            /// The second number.
            public var minor: Int
            /// The third number.
            public var micro: Int
        }

        /// The upstream version.
        public var qemu: Numbers
        /// The distribution's name for it; may be empty.
        public var package: String
    }

    /// The answer of ``QueryKVM``.
    public struct KVM: Decodable, Sendable, Equatable {
        /// Whether this guest runs under KVM.
        public var enabled: Bool
        /// Whether this QEMU was built with KVM.
        public var present: Bool
    }
}
