import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// The scenarios of this executable, for the verbs.
enum Scenarios {
    @TaskLocal static var catalog = ScenarioCatalog([])
}

/// Where runs are kept.
struct StateOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where runs are kept; default: $VMLAB_STATE, or ~/.local/state/vmlab.", valueName: "folder"))
    var stateDir: String?

    var folder: String { stateDir ?? RunDirectory.defaultState() }

    /// The run that a word means.
    func find(_ word: String) throws(Problem) -> RunDirectory { try RunDirectory.find(word, state: folder) }
}

/// What may be asked of any scenario.
struct WishOptions: ParsableArguments {
    @Option(
        help: "The image of every node, instead of the scenario's own: a name from images/, a registered variant, or a disk image file.")
    var image: String?

    @Option(help: "Memory of every node in MiB.")
    var memory: Int?

    @Option(help: "Virtual processors of every node; the plan may grant fewer.")
    var cpus: Int?

    @Option(help: "How many nodes, for scenarios that can have any number.")
    var nodes: Int?

    @Option(help: "The network: a profile's name from profiles/, or a file; see `vmlab profile list`.")
    var profile: String?

    @Option(
        help: ArgumentHelp(
            "How many servers and agents, for scenarios with a cluster.", valueName: "servers+agents"),
        transform: { text in
            guard let size = ClusterSize(text) else { throw ValidationError("'\(text)' is no topology; 2+1 is two servers and an agent") }
            return size
        })
    var topology: ClusterSize?

    @Option(
        help: ArgumentHelp("The k3s binary that the nodes of a cluster run, in any image, instead of their image's own.", valueName: "file")
    )
    var k3s: String?

    @Flag(help: "Join every network card by a cable that can be impaired, cut from one side and captured; see `vmlab net`.")
    var cables = false

    @Option(help: "kvm or tcg; without it KVM where it runs a guest, else TCG.")
    var accel: String?

    @Flag(help: "Wait for memory that other labs hold, instead of refusing.")
    var waitForMemory = false

    @Option(help: "Where random choices start; default: a random number, which the manifest keeps.")
    var seed: UInt64?

    var wishes: Scenario.Wishes {
        Scenario.Wishes(
            image: image, memoryMiB: memory, vcpus: cpus, nodes: nodes, profile: profile, cables: cables ? true : nil, topology: topology,
            k3s: k3s)
    }

    func planner(_ scenario: Scenario, seed: UInt64) -> Planner {
        Planner(
            scenario: scenario, wishes: wishes, accelerator: accel, options: PlanOptions(waitForMemory: waitForMemory), seed: seed)
    }
}
