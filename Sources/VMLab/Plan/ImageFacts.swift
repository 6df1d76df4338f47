public import BuildRegistry
public import LabEvents

/// What planning needs to know of an image; it need not be built.
public struct ImageFacts: Codable, Sendable, Equatable {
    /// The name of the description, or the file name of a foreign image.
    public var name: String
    /// What tells the image from others.
    ///
    /// For a described image, ``BuildRegistry/ImageStore/key(for:)``: the same wherever the same description is built on the same distribution.
    /// For one of the registry `registry:DIGEST`. For a foreign file `file:PATH:BYTES:MODIFIED`, because its content is not read: it is known again on this host only.
    public var key: String
    /// SHA-256 of its content, as in ``BuildRegistry/BootableImage/digest``; nil while nobody has read or built it.
    public var digest: String?
    /// How it can be started, the quickest first.
    public var bootModes: [BootMode]
    /// Memory for a guest that asks for none, MiB.
    public var defaultMemoryMiB: Int
    /// Virtual processors for a guest that asks for none.
    public var defaultVCPUs: Int
    /// The kernel command line for ``BuildRegistry/BootMode/direct``.
    public var commandLine: String
    /// The ways to a first root shell that are known, without passwords.
    public var consoles: GuestConsoles
    /// The absolute path of a foreign disk; nil for a described image.
    public var file: String?
    /// For an image of the registry, SHA-256 of its `kernel`, `initrd` and `disk`; its name is the variant's id then.
    public var registered: [String: String]?
    /// Whether it can be used at once; otherwise it is built first.
    public var isCached: Bool

    /// Facts from their parts.
    public init(
        name: String, key: String, digest: String? = nil, bootModes: [BootMode], defaultMemoryMiB: Int = 1024, defaultVCPUs: Int = 1,
        commandLine: String = "", consoles: GuestConsoles = GuestConsoles(), file: String? = nil,
        registered: [String: String]? = nil, isCached: Bool = false
    ) {
        self.name = name
        self.key = key
        self.digest = digest
        self.bootModes = bootModes
        self.defaultMemoryMiB = defaultMemoryMiB
        self.defaultVCPUs = defaultVCPUs
        self.commandLine = commandLine
        self.consoles = consoles
        self.file = file
        self.registered = registered
        self.isCached = isCached
        self.consoles.login?.password = nil
    }

    /// The way that a node boots.
    ///
    /// - Parameter requested: what was asked for; nil for the quickest.
    /// - Throws: a ``Problem`` of kind `invalidInput` when the image cannot boot so, with the ways it can.
    public func bootMode(requested: BootMode?) throws(Problem) -> BootMode {
        guard let mode = requested ?? bootModes.first else { throw Problem(.invalidInput, "nothing on '\(name)' can be booted") }
        guard bootModes.contains(mode) else {
            throw Problem(
                .invalidInput, "'\(name)' cannot boot with firmware '\(mode.rawValue)'",
                why: "it can boot with \(bootModes.map(\.rawValue).joined(separator: ", "))", remedy: "choose one of these")
        }
        return mode
    }
}
