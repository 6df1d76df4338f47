public import BuildRegistry
import FoundationEssentials
public import LabEvents
import QEMU

/// Everything around the pure ``LabPlan/make(scenario:topology:images:host:seed:options:)``: finds out about the images and the host.
public struct Planner: Sendable {
    /// The scenario.
    public var scenario: Scenario
    /// What the command line asked of it.
    public var wishes: Scenario.Wishes
    /// `kvm` or `tcg`; nil for what the host can do.
    public var accelerator: String?
    /// How planning goes.
    public var options: PlanOptions
    /// Where random choices start.
    public var seed: UInt64

    /// A planner from its parts.
    public init(scenario: Scenario, wishes: Scenario.Wishes, accelerator: String?, options: PlanOptions, seed: UInt64) {
        (self.scenario, self.wishes, self.accelerator, self.options, self.seed) = (scenario, wishes, accelerator, options, seed)
    }

    /// Checks what can be known without the host: the topology, the accelerator's name, the images' descriptions.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput`.
    public func validate() async throws {
        _ = try requestedAccelerator()
        let topology = try topology()
        try topology.validate()
        for word in Set(topology.nodes.map(\.image)) { _ = try await ImageFacts.resolve(word) }
    }

    /// Plans the lab for this host.
    ///
    /// - Parameter stateFolder: where the run's files will lie; its free space is part of the plan.
    public func plan(stateFolder: String) async throws -> LabPlan {
        let topology = try topology()
        try topology.validate()
        var images: [String: ImageFacts] = [:]
        for word in Set(topology.nodes.map(\.image)) { images[word] = try await ImageFacts.resolve(word) }
        let probe = try AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator")
        let choice = try await Accelerator.choose(requested: try requestedAccelerator(), probe: probe)
        let pace = try await probe.run(choice.accelerator).pace
        let host = HostCapacity.measure(stateFolder: stateFolder, accelerator: choice, pace: pace)
        return try LabPlan.make(scenario: scenario.name, topology: topology, images: images, host: host, seed: seed, options: options)
    }

    /// The images of a plan by their keys, built where they are not there yet.
    public func images(for plan: LabPlan, events: any EventSink) async throws -> [String: BootableImage] {
        var images: [String: BootableImage] = [:]
        for facts in plan.images {
            if let file = facts.file {
                images[facts.key] = try await ForeignImage.inspect(file, digesting: false)
            } else if facts.registered != nil {
                images[facts.key] = try await ImageRegistry().bootable(facts.name, digest: facts.digest)
            } else {
                let description = try ImageCatalog.standard().description(named: facts.name)
                images[facts.key] = try await ImageStore().image(for: description) { event in
                    if let progress = event.progress { events.record(.image(progress), node: nil) }
                }
            }
        }
        return images
    }

    /// What the scenario asks for, with what the command line brings.
    private func topology() throws(Problem) -> Topology {
        var topology = try scenario.topology(wishes)
        guard let path = wishes.k3s else { return topology }
        guard scenario.tags.contains(Scenario.k3sTag) else {
            throw Problem(.invalidInput, "'\(scenario.name)' cannot have --k3s", why: "it has no cluster", remedy: "leave --k3s out")
        }
        topology.k3s = try .program(path)
        return topology
    }

    private func requestedAccelerator() throws(Problem) -> Accelerator? {
        guard let accelerator else { return nil }
        if let known = Accelerator(rawValue: accelerator) { return known }
        throw Problem(.invalidInput, "there is no accelerator '\(accelerator)'", remedy: "kvm or tcg")
    }
}

extension LabPlan {
    /// The RAM of all nodes and what QEMU needs besides, in MiB.
    var memoryMiB: Int { nodes.reduce(0) { $0 + $1.memoryMiB + GuestMemory.overheadMebibytes } }
}

extension ImageBuildEvent {
    /// The event for people; nil for what is of no interest in a run.
    public var progress: LabEvent.ImageProgress? {
        switch self {
        case .reused: nil
        case .waiting(let image, let holder): .init(image: image, text: "process \(holder ?? "unknown") is building it; waiting")
        case .damaged(let image, let reason): .init(image: image, text: "the cached one is damaged (\(reason)); building it anew")
        case .started(let image, let key): .init(image: image, text: "building (\(key.prefix(12)))")
        case .stepStarted(let image, let step, let number, let count):
            .init(image: image, text: "[\(number)/\(count)] \(step) …", isTransient: true)
        case .packages(let image, let activity, let done, let total):
            .init(image: image, text: "packages \(activity.rawValue): \(done)\(total.map { " of \($0)" } ?? "")", isTransient: true)
        case .stepFinished(let image, let step, let seconds): .init(image: image, text: "\(step) \(seconds.rounded(to: 1)) s")
        case .finished(let image, _, let seconds, let bytes):
            .init(image: image, text: "built in \(seconds.rounded(to: 1)) s, \(bytes >> 20) MiB")
        }
    }
}
