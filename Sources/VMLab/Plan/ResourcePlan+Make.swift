public import LabEvents
import QEMU

extension ResourcePlan {
    /// What a run writes to disk for each node, in MiB, besides a RAM file: the overlay of a guest that boots and runs some services, and its logs.
    public static let diskMiBPerNode = 200

    /// Shares the host out among the nodes. Pure: the same arguments give the same plan.
    ///
    /// Virtual processors are given one at a time in the order of the nodes, to those that want more, until as many are given as the host has
    /// processors; each node has at least one. Memory is given as it is wanted, or refused.
    ///
    /// - Parameters:
    ///   - topology: what is wanted; validated first.
    ///   - images: the facts of each image, by the word that the topology has for it.
    ///   - host: what there is.
    ///   - options: what the user said.
    /// - Throws: a ``Problem``: `invalidInput` for a topology that is not acceptable; `env: no-memory` and `env: disk-full` with the numbers.
    public static func make(
        _ topology: Topology, images: [String: ImageFacts], host: HostCapacity, options: PlanOptions = PlanOptions()
    ) throws(Problem) -> ResourcePlan {
        try topology.validate()
        let wishes = try topology.nodes.map { node throws(Problem) in Wish(node, try facts(node, images)) }
        var plan = ResourcePlan(
            nodes: [], concurrentBoots: 1, ram: .runFolder, waitsForMemory: false, decisions: [], warnings: [], summary: "")
        plan.describe(host)
        plan.shareProcessors(among: wishes, host)
        plan.limitBoots(host)
        try plan.checkMemory(host, options)
        try plan.placeRAM(host)
        plan.summary = plan.summary(host)
        return plan
    }

    /// What one node wants.
    private struct Wish {
        var node: String
        var vcpus: Int
        var memoryMiB: Int
        /// Whether the number of processors was asked for, and is not the image's own.
        var isExplicit: Bool
        /// Where the number of processors comes from.
        var origin: String

        init(_ node: Topology.NodeRequest, _ image: ImageFacts) {
            self.node = node.name
            vcpus = max(1, node.vcpus ?? image.defaultVCPUs)
            memoryMiB = node.memoryMiB ?? image.defaultMemoryMiB
            isExplicit = node.vcpus != nil
            origin = node.vcpus == nil ? "image \(image.name) wants \(vcpus)" : "\(vcpus) asked for"
        }
    }

    static func facts(_ node: Topology.NodeRequest, _ images: [String: ImageFacts]) throws(Problem) -> ImageFacts {
        guard let facts = images[node.image] else {
            throw Problem(.invalidInput, "nothing is known of the image '\(node.image)'", location: "node \(node.name)")
        }
        return facts
    }

    private mutating func decide(_ subject: String, _ value: String, _ reason: String, isWarning: Bool = false) {
        let decision = LabEvent.Decision(subject: subject, value: value, reason: reason)
        decisions.append(decision)
        if isWarning { warnings.append(decision) }
    }

    private mutating func describe(_ host: HostCapacity) {
        let usual = host.accelerator == .kvm ? "a probe guest ran under KVM" : "TCG was asked for"
        decide("accelerator", host.accelerator.rawValue, host.acceleratorReason ?? usual)
        decide(
            "pace", host.pace.oneDecimal,
            host.pace > 1
                ? "the host is \(host.pace.oneDecimal) times as slow as the reference; time limits are multiplied by it"
                : "the host is as quick as the reference; time limits hold as they are written")
        let limit = host.cpuQuota.map { ", and the control group allows the time of \($0.oneDecimal)" } ?? ""
        decide("CPUs", "\(host.usableCPUs)", "this process may run on \(host.logicalCPUs)\(limit)")
    }

    private mutating func shareProcessors(among wishes: [Wish], _ host: HostCapacity) {
        let granted = Self.share(host.usableCPUs, among: wishes.map(\.vcpus))
        let wanted = wishes.reduce(0) { $0 + $1.vcpus }
        let total = granted.reduce(0, +)
        let on = "\(wishes.count == 1 ? "1 node" : "\(wishes.count) nodes") on \(host.cpusText)"
        for (wish, vcpus) in zip(wishes, granted) {
            nodes.append(Share(node: wish.node, vcpus: vcpus, memoryMiB: wish.memoryMiB))
            if vcpus == wish.vcpus {
                decide("vCPUs of \(wish.node)", "\(vcpus)", wish.origin)
            } else {
                decide(
                    "vCPUs of \(wish.node)", "\(vcpus)",
                    "\(wish.origin), but \(on) want \(wanted) in all, and more vCPUs than CPUs make guests and etcd stall (FM-5)",
                    isWarning: wish.isExplicit)
            }
        }
        guard Double(total) > host.processorTime else { return }
        decide(
            "oversubscription", (Double(total) / host.processorTime).oneDecimal,
            "each node has at least 1 vCPU, so \(on) make \(total); guests will wait for each other, and etcd may lose its leader (FM-5, FM-1)",
            isWarning: true)
    }

    /// Gives out processors: one for each wish, and then one at a time in order while there are any.
    static func share(_ processors: Int, among wishes: [Int]) -> [Int] {
        var granted = wishes.map { _ in 1 }
        var left = processors - wishes.count
        while left > 0, zip(granted, wishes).contains(where: { $0 < $1 }) {
            for index in wishes.indices where granted[index] < wishes[index] && left > 0 {
                granted[index] += 1
                left -= 1
            }
        }
        return granted
    }

    private mutating func limitBoots(_ host: HostCapacity) {
        concurrentBoots = host.accelerator == .tcg ? host.usableCPUs : 2 * host.usableCPUs
        decide(
            "boots at a time", "\(concurrentBoots)",
            host.accelerator == .tcg
                ? "under TCG a booting guest keeps a CPU busy, and there are \(host.cpusText)"
                : "a booting guest waits for its disk part of the time, so two share each of \(host.cpusText)")
    }

    private mutating func checkMemory(_ host: HostCapacity, _ options: PlanOptions) throws(Problem) {
        let needed = nodes.reduce(0) { $0 + $1.memoryMiB + GuestMemory.overheadMebibytes }
        let numbers =
            "\(needed) MiB needed with \(GuestMemory.overheadMebibytes) MiB for each QEMU, \(host.memoryAvailableMiB) MiB available"
        if needed <= host.memoryAvailableMiB {
            let isTight = needed * 5 > host.memoryAvailableMiB * 4
            return decide("memory", "fits", isTight ? "\(numbers): more than 80 %, little is left for others" : numbers, isWarning: isTight)
        }
        guard options.waitForMemory else {
            return try GuestMemory.require(guests: nodes.map(\.memoryMiB), available: host.memoryAvailableMiB)
        }
        guard needed <= host.memoryTotalMiB else {
            throw .environment(
                .noMemory, "the host will never have the memory for \(nodes.count == 1 ? "the guest" : "\(nodes.count) guests")",
                why: "\(numbers), \(host.memoryTotalMiB) MiB in all", remedy: "give the guests less memory, or run fewer")
        }
        waitsForMemory = true
        decide("memory", "wait", "\(numbers): each node waits until its own is free", isWarning: true)
    }

    private mutating func placeRAM(_ host: HostCapacity) throws(Problem) {
        let memory = nodes.reduce(0) { $0 + $1.memoryMiB }
        let numbers = "/dev/shm has \(host.sharedMemoryFreeMiB) MiB free and the guests need \(memory) MiB"
        // Something must stay free for others who use the same tmpfs. The files are sparse: what does not fit kills QEMU later, by SIGBUS.
        ram = host.sharedMemoryFreeMiB >= memory + 16 ? .sharedMemory : .runFolder
        decide("RAM files", ram == .sharedMemory ? "/dev/shm" : "on disk", ram == .sharedMemory ? numbers : "\(numbers); disk is slower")

        let onDisk = ram == .runFolder ? memory : 0
        let needed = nodes.count * Self.diskMiBPerNode + onDisk
        let parts = "\(Self.diskMiBPerNode) MiB for each node's disk and logs" + (onDisk > 0 ? ", and \(onDisk) MiB of RAM files" : "")
        guard needed <= host.diskFreeMiB else {
            throw .environment(
                .diskFull, "too little space for the run's folder",
                why: "needed: about \(needed) MiB (\(parts)); free: \(host.diskFreeMiB) MiB",
                remedy: "free space there, or set VMLAB_STATE to another disk")
        }
        decide("disk", "\(needed) MiB", "\(parts); \(host.diskFreeMiB) MiB free")
    }

    private func summary(_ host: HostCapacity) -> String {
        var groups: [(share: String, count: Int)] = []
        for node in nodes {
            let share = "(\(node.vcpus) vCPU, \(node.memoryMiB) MiB)"
            if let last = groups.last, last.share == share {
                groups[groups.count - 1].count += 1
            } else {
                groups.append((share, 1))
            }
        }
        let shares = groups.map { "\($0.count == 1 ? "1 node" : "\($0.count) nodes") × \($0.share)" }.joined(separator: " + ")
        return "\(shares) on \(host.cpusText), \(host.accelerator.rawValue), pace \(host.pace.oneDecimal)"
    }
}

extension HostCapacity {
    /// The processor time there is, in processors, not rounded; never so little that a division by it means nothing.
    fileprivate var processorTime: Double { max(0.01, min(Double(logicalCPUs), cpuQuota ?? .infinity)) }

    fileprivate var cpusText: String { usableCPUs == 1 ? "1 CPU" : "\(usableCPUs) CPUs" }
}

extension Double {
    /// The number with one digit after the point; for numbers that people read, below a million.
    var oneDecimal: String {
        let tenths = Int((min(max(self, 0), 999_999) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
