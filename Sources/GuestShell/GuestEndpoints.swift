/// A login on the serial console.
public struct GuestLogin: Sendable, Equatable, CustomStringConvertible {
    /// The user, who must be root.
    public var user: String
    /// The password; nil when none is asked for.
    public var password: String?

    /// A login.
    public init(user: String = "root", password: String? = nil) {
        self.user = user
        self.password = password
    }

    /// The user alone: a password never reaches a log.
    public var description: String { user }
}

/// Where the host finds a node's consoles and ports: unix sockets that QEMU listens on.
public struct GuestEndpoints: Sendable {
    /// The socket of /dev/hvc0, where a test backdoor may run a shell.
    public var backdoor: String?
    /// The socket of ttyS0 at this moment (it changes with each boot, as the log does), and the login that works there.
    public var serial: (@Sendable () -> String?)?
    /// The login for ttyS0; nil: only a shell that is there without one.
    public var login: GuestLogin?
    /// The socket of the guest agent's port, `org.qemu.guest_agent.0`.
    public var agent: String?
    /// The socket of /dev/hvc1, the terminal for images without script(1).
    public var terminal: String?
    /// The socket of each port in ``PortNames/all``.
    public var ports: [String: String]

    /// Endpoints from their sockets.
    public init(
        backdoor: String? = nil, serial: (@Sendable () -> String?)? = nil, login: GuestLogin? = nil, agent: String? = nil,
        terminal: String? = nil, ports: [String: String]
    ) {
        self.backdoor = backdoor
        self.serial = serial
        self.login = login
        self.agent = agent
        self.terminal = terminal
        self.ports = ports
    }
}

/// How a node's shells are used.
public struct GuestShellOptions: Sendable {
    /// Which shell the workers are.
    public enum Shell: Sendable {
        /// bash where the guest has it, else `sh`.
        case automatic
        /// The guest's `sh`.
        case posix
    }

    /// Which shell the workers are.
    public var shell: Shell
    /// How long a guest may take until a console obeys, from the first command on; 120 s by default. Multiply it by the pace.
    public var readyTimeout: Duration
    /// Whether the guest was already up when the host connected (a kept or restored node), so that a console's greeting may be long gone and the console
    /// is asked at once.
    public var alreadyUp: Bool

    /// Options; each has a default.
    public init(shell: Shell = .automatic, readyTimeout: Duration = .seconds(120), alreadyUp: Bool = false) {
        self.shell = shell
        self.readyTimeout = readyTimeout
        self.alreadyUp = alreadyUp
    }
}
