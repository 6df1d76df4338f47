/// How the VLANs of a plan look and what a port's cable shows of them.
struct VLANLooks {
    /// The most VLANs that are drawn as lines of their own in a switch; beyond, there would be more lines than anyone can follow.
    static let railLimit = 12

    /// Every VLAN that a port carries or an interface is in, ascending; 0 is the network of frames without a tag.
    let all: [Int]
    private let places: [Int: Int]
    /// Whether each VLAN has a line of its own.
    let hasRails: Bool

    /// - Parameter canHaveRails: whether there is room for a line for each VLAN.
    init(_ plan: NetworkPlan, canHaveRails: Bool = true) {
        var found: Set<Int> = []
        for port in plan.segments.flatMap(\.ports) { found.formUnion(port.vlans.vlans) }
        for trunk in plan.trunks { found.formUnion(trunk.vlans.vlans) }
        for node in plan.nodes {
            for link in node.links { if case .vlan(let id, _) = link.kind { found.insert(id) } }
        }
        all = found.sorted()
        hasRails = canHaveRails && all.count <= Self.railLimit
        places = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, $0) })
    }

    /// The place of a VLAN among all, which decides its colour and its line.
    func place(_ vlan: Int) -> Int { places[vlan] ?? 0 }

    /// The line of a VLAN.
    func line(_ vlan: Int) -> PlanDrawing.Line.Style { hasRails ? .strand(place(vlan)) : .bundle }

    /// The VLANs of a port as lines.
    /// - Parameter used: those that the far end has an interface for; nil for all.
    func strands(_ vlans: PortVLANs, used: Set<Int>? = nil) -> StrandBundle {
        StrandBundle(vlans: vlans.vlans.sorted(), looks: hasRails ? vlans.vlans.sorted().map(place) : nil, used: used)
    }

    /// What a port carries, in words: `tagged 100 200`; nothing for a plain port.
    static func words(_ vlans: PortVLANs) -> String {
        var words: [String] = []
        if let untagged = vlans.untagged, untagged != 0 || !vlans.tagged.isEmpty {
            words.append(untagged == 0 ? "untagged" : "untagged \(untagged)")
        }
        if !vlans.tagged.isEmpty { words.append("tagged \(ranges(vlans.tagged))") }
        return words.isEmpty && vlans.untagged == nil ? "nothing" : words.joined(separator: ", ")
    }

    /// What a port carries, with the number of its VLANs where their names would take more room than a cable has.
    static func shortWords(_ vlans: PortVLANs) -> String {
        let words = words(vlans)
        guard PlanDrawing.Text.Font.label.width(words) > 240 else { return words }
        let untagged = vlans.untagged.map { $0 == 0 ? "untagged, " : "untagged \($0), " } ?? ""
        return "\(untagged)\(vlans.tagged.count) tagged"
    }

    /// Numbers with runs of three and more shortened: `100 200-205`.
    static func ranges(_ numbers: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = runs.last, number <= last.upperBound + 1 {
                runs[runs.count - 1] = last.lowerBound...max(number, last.upperBound)
            } else {
                runs.append(number...number)
            }
        }
        return runs.map { run in
            run.count > 2 ? "\(run.lowerBound)-\(run.upperBound)" : run.map { "\($0)" }.joined(separator: " ")
        }.joined(separator: " ")
    }
}

/// The VLANs of one cable as parallel lines.
struct StrandBundle {
    /// How far apart they lie, in px.
    static let pitch = 7.0

    var vlans: [Int]
    /// Their looks; nil when they are drawn as one.
    var looks: [Int]?
    /// Those that the far end has an interface for; nil for all.
    var used: Set<Int>?

    /// Each line's offset from the cable's middle, in px.
    var lines: [(offset: Double, style: PlanDrawing.Line.Style)] {
        guard let looks else { return [(0, .bundle)] }
        return looks.enumerated().map { index, look in
            ((Double(index) - Double(looks.count - 1) / 2) * Self.pitch, isSpare(vlans[index]) ? .spare(look) : .strand(look))
        }
    }

    /// Whether the port carries a VLAN for nobody.
    func isSpare(_ vlan: Int) -> Bool { used.map { !$0.contains(vlan) } ?? false }

    /// The cable's width, in px.
    var height: Double { Double(max(looks?.count ?? 1, 1)) * Self.pitch + 4 }

    /// The offset of a VLAN's line from the cable's middle; 0 when it has none of its own.
    func offset(of vlan: Int) -> Double {
        guard looks != nil, let index = vlans.firstIndex(of: vlan) else { return 0 }
        return lines[index].offset
    }
}
