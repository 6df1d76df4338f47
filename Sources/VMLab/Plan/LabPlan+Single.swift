public import BuildRegistry
import FoundationEssentials
public import LabEvents
public import QEMU

extension LabPlan {
    /// Plans a lab of one node without a segment, for an image that is there already.
    ///
    /// - Parameters:
    ///   - name: the node's name.
    ///   - image: what it boots.
    ///   - accelerator: what runs it, and why.
    ///   - mode: how it boots; the image's quickest way when nil.
    ///   - memory: MiB; the image's own wish when nil.
    ///   - processors: virtual processors; the image's own wish when nil. The host may grant fewer.
    ///   - stateFolder: where the run's files lie.
    /// - Throws: a ``Problem`` when the host or the image does not fit.
    public static func single(
        name: String, image: BootableImage, accelerator: AcceleratorChoice, mode: BootMode? = nil, memory: Int? = nil,
        processors: Int? = nil,
        stateFolder: String
    ) throws(Problem) -> LabPlan {
        let facts = ImageFacts(
            name: image.name, key: image.key, digest: image.digest, bootModes: image.firmwares, defaultMemoryMiB: image.defaultMemoryMiB,
            defaultVCPUs: image.defaultVCPUs, commandLine: image.commandLine, consoles: image.consoles, file: image.disk?.path,
            isCached: true)
        return try make(
            scenario: "single",
            topology: Topology(nodes: [.init(name: name, image: image.name, memoryMiB: memory, vcpus: processors, bootMode: mode)]),
            images: [image.name: facts], host: .measure(stateFolder: stateFolder, accelerator: accelerator, pace: 1), seed: 0)
    }
}

extension BootableImage {
    /// What tells it from others on this host.
    public var key: String { digest ?? "file:\(disk?.path ?? kernel ?? name)" }
}
