import BuildRegistry
import GuestShell
import LabEvents
import QEMU

/// What all parts of a lab share.
struct LabContext: Sendable {
    let plan: LabPlan
    /// Each node's image by the node's name.
    let images: [String: BootableImage]
    let folders: LabFolders
    let run: RunDirectory
    let events: any EventSink
    let redactor: Redactor
    let watch: FolderWatch
    let meter: PaceMeter
    /// As many nodes boot at once as this has permits.
    let bootSlots: AsyncSemaphore
    let shell: GuestShellOptions
    /// A login for ttyS0 besides the images' own.
    let login: GuestLogin?
    let waysIn: Set<WayIn>
    let bootBudget: Budget
    let budgets: [Budget]
    /// Called with what makes the lab unusable.
    let fail: @Sendable (Problem) -> Void

    /// What time limits are multiplied by now.
    var pace: Double { meter.current }

    /// The limit that counts instead of one: the scenario's own of the same name.
    func budget(_ budget: Budget) -> Budget { budgets.last { $0.name == budget.name } ?? budget }

    /// A file of the run directory; that it cannot be written makes the run fail.
    func evidence(_ path: String) -> EvidenceFile { EvidenceFile(path, onFailure: fail) }
}

/// Where a node's machine comes from.
enum MachineOrigin: Sendable {
    /// It is started.
    case fresh
    /// It runs already; this process inherited it from the owner before.
    case inherited(InheritedMachine)
}

/// A running machine as the owner before knew it.
struct InheritedMachine: Sendable, Codable {
    var process: ProcessRecord
    /// The boot as QEMU's sockets count it.
    var guestBoot: Int
    var state: LabEvent.NodeState
    /// How much of the raw console log has been taken.
    var consoleOffset: Int
    var errorOffset: Int
    /// How its own clock went.
    var clock: [MachineClock.Turn]
}
