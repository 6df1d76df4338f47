/// The widths that all parts of one drawing share, in px, so that things of one kind stand in columns.
struct DrawingMeasures {
    typealias Font = PlanDrawing.Text.Font

    /// The space around everything.
    static let margin = 24.0
    /// The width that the page is meant for.
    static let page = 1200.0
    /// The width from which on text would be too small to read on a page of 1200 px.
    static let most = page * Font.label.size / 11
    /// The least width of a page, so that titles and legends have room.
    static let least = 760.0
    /// From the upper edge of a switch to its first port, with room for its name.
    static let head = 54.0
    /// From more nodes on, each has one line.
    static let compactFrom = 25

    var isCompact: Bool
    /// The distance of two VLANs in a switch.
    var railPitch: Double
    var railsWidth: Double
    /// A port with its number.
    var portWidth: Double
    /// The part of a switch beside its VLANs.
    var nameWidth: Double
    /// Tracks of trunks in the left margin, and the words of those trunks.
    var tracksWidth = 0.0
    var trunkWords = 0.0
    /// From a switch to a node.
    var gap: Double
    /// A link aggregation between the two, and from there to the node; 0 when there is none.
    var aggregation: Double
    var aggregationLegs: Double
    /// A network card.
    var tab: Double
    /// A bond whose legs are on one side; 0 when there is none.
    var bond: Double
    /// From a network card or bond to the interfaces on it.
    var fan: Double
    /// The columns of an interface.
    var name: Double
    var chip: Double
    var address: Double
    var note: Double
    var warning: Double
    /// Whether interfaces stand on something at a node's right edge.
    var hasRightLead: Bool
    /// The least width inside a node, for its heading and for bonds across it.
    var inside = 0.0
    /// One line: the node's name, and the columns of cells.
    var nodeName = 0.0
    var cells: [Double] = []
    /// What nodes are wider than they must be.
    var more = 0.0

    /// What a link aggregation is called.
    static let aggregationName = "LAG"
    /// What is said of an interface that reaches nobody, and what where each node has one line.
    static let alone = "reaches no other node"
    static let shortAlone = "isolated"

    init(_ plan: NetworkPlan, arrangement: DrawingArrangement, looks: VLANLooks, cards: [NodeCard], isCompact: Bool) {
        self.isCompact = isCompact
        let groups = cards.flatMap(\.groups)
        let rows = groups.flatMap(\.rows)
        let legs = groups.flatMap(\.legs)
        func widest(_ texts: some Sequence<String>, _ font: Font, plus more: Double) -> Double {
            texts.reduce(0) { $1.isEmpty ? $0 : max($0, font.width($1) + more) }
        }

        railPitch = widest(looks.all.map(Self.railLabel), .code, plus: 9)
        railsWidth = looks.hasRails ? railPitch * Double(looks.all.count) + 12 : 6
        portWidth = max(28, widest(plan.segments.flatMap(\.ports).map { "\($0.number)" }, .code, plus: 10))
        nameWidth = max(
            widest(plan.segments.map(\.name), .name, plus: 24), widest(plan.segments.map { Self.ports($0) }, .label, plus: 24),
            portWidth + 24)
        if let tracks = arrangement.marginal.map(\.track).max() {
            tracksWidth =
                (0...tracks).reduce(10) { width, track in
                    width
                        + (arrangement.marginal.filter { $0.track == track }.map { looks.strands(plan.trunks[$0.trunk].vlans).height }.max()
                            ?? 0) + 8
                }
            trunkWords = widest(arrangement.marginal.flatMap { Self.words(plan.trunks[$0.trunk]) }, .label, plus: 16)
        }
        gap = max(isCompact ? 64 : 96, widest(legs.map { $0.reference ?? "" }, .label, plus: 20))
        if !isCompact { gap = max(gap, widest(legs.map { VLANLooks.shortWords($0.card.vlans) }, .label, plus: 18)) }
        let aggregated = groups.filter(\.isAggregated)
        aggregation = aggregated.isEmpty ? 0 : Font.code.width(Self.aggregationName) + 16
        let isImpaired = !isCompact && aggregated.flatMap(\.legs).contains { $0.impairment != nil }
        aggregationLegs = aggregated.isEmpty ? 0 : isImpaired ? Font.strong.width("impaired") + 18 : isCompact ? 20 : 30
        gap += aggregation + aggregationLegs
        tab = max(
            44, widest(legs.map(\.link.name), .code, plus: 14),
            isCompact ? 0 : widest(legs.map { $0.link.unusualMTU ?? "" }, .label, plus: 14))
        let sided = groups.filter { $0.bond != nil && !$0.isAcross }
        bond = max(
            widest(sided.compactMap(\.bond?.name), .code, plus: 20), widest(sided.flatMap { $0.bond?.bondWords ?? [] }, .label, plus: 20))
        fan = 26 + 8 * Double(min(groups.map(\.rows.count).max() ?? 0, 12))
        name = widest(rows.map(\.name), .code, plus: 12)
        chip = widest(rows.map { Self.chip($0.vlan) }, .code, plus: 12 + 10)
        address = widest(rows.flatMap(\.addresses), .value, plus: 16)
        note = widest(rows.map(\.note), .label, plus: 12)
        warning = rows.contains(where: \.isAlone) ? Font.strong.width(Self.alone) + 14 : 0
        hasRightLead = groups.contains { !$0.isAcross && $0.side == .right && !$0.rows.isEmpty }
        let headings = cards.map { Font.name.width($0.node.name) + Font.label.width(Self.kind($0.node)) + 48 }
        let bars = groups.filter(\.isAcross).map { group in
            2 * tab + 72 + Font.code.width(group.bond?.name ?? "") + Font.label.width(group.bond?.bondWords.joined(separator: ", ") ?? "")
        }
        inside = (headings + bars).max() ?? 0
        if isCompact { measureCells(cards, hasRight: arrangement.blocks.contains { $0.right != nil }) }
    }

    private mutating func measureCells(_ cards: [NodeCard], hasRight: Bool) {
        nodeName = (cards.map { Font(size: 13.5, mono: true, bold: true).width($0.node.name) }.max() ?? 0) + 16
        let widths = cards.map { $0.cells.map { $0.width + 18 } }
        let beside = (hasRight ? 2.0 : 1.0) * (chassis + gap + tab)
        let room = Self.page - 2 * Self.margin - tracksWidth - trunkWords - beside - nodeName - 20
        // As many in a line as the page has room for.
        for count in (1...max(1, widths.map(\.count).max() ?? 1)).reversed() {
            cells = [Double](repeating: 0, count: count)
            for line in widths { for (index, width) in line.enumerated() { cells[index % count] = max(cells[index % count], width) } }
            if cells.reduce(0, +) <= room { return }
        }
    }

    /// A switch.
    var chassis: Double { railsWidth + nameWidth + (tracksWidth > 0 ? portWidth + 6 : 0) }
    /// From a node's edge to its interfaces.
    var lead: Double { tab + (bond > 0 ? 22 + bond : 0) + fan }
    /// The columns of an interface.
    var columns: Double { name + chip + address + note + warning }

    /// A node's width, between two switches or beside one.
    func card(isBetween: Bool) -> Double {
        if isCompact { return tab + nodeName + cells.reduce(0, +) + (isBetween ? tab : 0) + 12 + more }
        return more + max(lead + columns + (isBetween && hasRightLead ? lead : 12), inside)
    }

    /// The name of a VLAN in a switch.
    static func railLabel(_ vlan: Int) -> String { vlan == 0 ? "plain" : "\(vlan)" }

    /// The name of a VLAN at an interface.
    static func chip(_ vlan: Int?) -> String { vlan.map { $0 == 0 ? "" : "VLAN \($0)" } ?? "" }

    /// `4 ports`.
    static func ports(_ segment: SegmentPlan) -> String { segment.ports.count == 1 ? "1 port" : "\(segment.ports.count) ports" }

    /// What a node is, when its name does not say it.
    static func kind(_ node: NodeNetwork) -> String { node.name.hasPrefix(node.role) ? "" : node.role }

    /// A trunk in two lines.
    static func words(_ trunk: TrunkPlan) -> [String] { ["trunk \(trunk.name)", VLANLooks.shortWords(trunk.vlans)] }
}
