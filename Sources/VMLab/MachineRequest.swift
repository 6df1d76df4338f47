public import BuildRegistry
public import GuestShell
public import LabEvents
public import QEMU

/// What a single machine should be.
public struct MachineRequest: Sendable {
    /// The node's name.
    public var name: String
    /// What it boots.
    public var image: BootableImage
    /// How it boots; the image's quickest way when nil.
    public var mode: BootMode?
    /// Memory in MiB; the image's own wish when nil.
    public var memory: Int?
    /// Virtual processors; the image's own wish when nil.
    public var processors: Int?
    /// What runs the guest.
    public var accelerator: Accelerator
    /// A root login for ttyS0; the image's own when nil.
    public var login: GuestLogin?
    /// How the shells are used.
    public var shell: GuestShellOptions
    /// Which ways in are tried; all that the machine has by default.
    public var waysIn: Set<WayIn>

    /// A way to the first root shell.
    public enum WayIn: String, Sendable, CaseIterable {
        /// The test backdoor on /dev/hvc0.
        case backdoor
        /// A login on ttyS0.
        case serial
        /// qemu-guest-agent.
        case agent
    }

    /// A request; everything but name, image and accelerator has a default.
    public init(
        name: String, image: BootableImage, accelerator: Accelerator, mode: BootMode? = nil, memory: Int? = nil, processors: Int? = nil,
        login: GuestLogin? = nil, shell: GuestShellOptions = GuestShellOptions(), waysIn: Set<WayIn> = Set(WayIn.allCases)
    ) {
        self.name = name
        self.image = image
        self.accelerator = accelerator
        self.mode = mode
        self.memory = memory
        self.processors = processors
        self.login = login
        self.shell = shell
        self.waysIn = waysIn
    }

    /// The way it boots.
    ///
    /// - Throws: a ``Problem`` when the image cannot boot so, with the ways it can.
    public func bootMode() throws(Problem) -> BootMode {
        guard let mode = mode ?? image.firmwares.first else {
            throw Problem(.invalidInput, "nothing on '\(image.name)' can be booted")
        }
        guard image.firmwares.contains(mode) else {
            throw Problem(
                .invalidInput, "'\(image.name)' cannot boot with firmware '\(mode.rawValue)'",
                why: "it can boot with \(image.firmwares.map(\.rawValue).joined(separator: ", "))", remedy: "choose one of these"
            )
        }
        return mode
    }
}
