/// One image to build: its place in the matrix, how it is made and what must come out.
public struct ImageVariant: Sendable, Codable, Equatable, Identifiable {
    /// `ROLE@machine=M,profile=P,node=N,boot=B,arch=A`: it names every axis, so no two variants share one.
    public var id: String
    /// The value of every axis.
    public var axes: [VariantAxis: String]
    /// The name of the group that it comes from.
    public var group: String
    /// What makes it.
    public var builder: Builder
    /// What that builder is told besides, with the axes filled in.
    public var settings: [String: String]
    /// The kas files in their order, relative to ``folder``.
    public var chain: [String]
    /// Where its builder leaves the outputs, an absolute path; nil where the builder is told where to.
    public var outputFolder: String?
    /// What must come out, sorted by name.
    public var outputs: [ImageOutput]
    /// What a lab needs to know of a guest that boots from it.
    public var guest: GuestFacts
    /// The folder of the file that declares it, an absolute path.
    public var folder: String
    /// Where it is declared, `FILE:LINE`.
    public var source: String

    /// What makes images.
    public enum Builder: String, Sendable, Codable, CaseIterable {
        /// ISAR through kas.
        case isar
        /// An image description of ours (``ImageDescription``), by mmdebstrap.
        case mmdebstrap
        /// A file that exists already.
        case `import`
        /// An attribute of a Nix expression.
        case nix
        /// Any command.
        case command
    }

    /// What a lab needs to know of a guest.
    public struct GuestFacts: Sendable, Codable, Equatable {
        /// The kernel command line for ``BootMode/direct``; without one that way to boot is not offered where there is another.
        public var commandLine = ""
        /// Memory for a guest that asks for none, MiB.
        public var memoryMiB = 1024
        /// Virtual CPUs for a guest that asks for none.
        public var vcpus = 1
        /// The ways it can be started, where its files seem to allow more; nil where they tell.
        public var bootModes: [BootMode]?
        /// The ways to a first root shell, without passwords. Default: the test backdoor on hvc0.
        public var consoles = GuestConsoles(backdoor: "hvc0")

        /// Facts with their defaults.
        public init() {}
    }

    /// The value of an axis.
    public subscript(axis: VariantAxis) -> String { axes[axis] ?? VariantAxis.none }

    /// The architecture of its binaries.
    public var architecture: ImageArchitecture { ImageArchitecture(rawValue: self[.arch]) ?? .amd64 }

    /// The way it boots in a lab: what the value of `boot` begins with, up to a `-`, as in `uefi-ab`; nil for one that no lab boots.
    public var bootMode: BootMode? { self[.boot].split(separator: "-").first.flatMap { BootMode(rawValue: String($0)) } }

    /// The output of this name.
    public func output(_ name: String) -> ImageOutput? { outputs.first { $0.name == name } }

    /// The command that makes and registers it.
    public var buildCommand: String { Self.buildCommand(id) }

    /// The command that makes and registers the variant of this id.
    static func buildCommand(_ id: String) -> String { "vmlab image build --variant \(id)" }
}
