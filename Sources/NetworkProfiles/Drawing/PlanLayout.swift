/// Places everything of a plan: switches at the sides, nodes beside or between them, one below the other.
struct PlanLayout {
    typealias Font = PlanDrawing.Text.Font

    let plan: NetworkPlan
    let looks: VLANLooks
    let arrangement: DrawingArrangement
    var measures: DrawingMeasures
    /// What is drawn of each node, in the plan's order; nodes of no block have none.
    let cards: [Int: NodeCard]
    let segments: [String: SegmentPlan]
    /// The VLANs that nodes have interfaces for, by port; those of other ports are all used.
    let used: [PortReference: Set<Int>]
    /// Why nothing is plugged into a port that nodes have, by port.
    let empty: [PortReference: String]
    /// Impairments of trunks, by their names.
    let impairedTrunks: [String: NetworkProfile.Impairment]
    var drawing: PlanDrawing
    /// How far down it is drawn already.
    var y = DrawingMeasures.margin
    /// The switches of each block.
    var chassis: [[DrawingArrangement.Side: Chassis]] = []
    /// Where the ends of trunks in the left margin are, by trunk: the upper one and the lower one.
    var marginEnds: [Int: [Point]] = [:]

    /// - Parameters:
    ///   - canHaveRails: whether there is room for a line for each VLAN.
    ///   - isCompact: whether each node has one line.
    init(_ plan: NetworkPlan, canHaveRails: Bool, isCompact: Bool) {
        let looks = VLANLooks(plan, canHaveRails: canHaveRails)
        (self.plan, self.looks, arrangement) = (plan, looks, DrawingArrangement(plan, looks: looks))
        let alone = plan.aloneInterfaces
        var cards: [Int: NodeCard] = [:]
        for block in arrangement.blocks {
            for case .node(let index) in block.strips {
                cards[index] = NodeCard(plan.nodes[index], in: block, of: plan, looks: looks, alone: alone)
            }
        }
        self.cards = cards
        var used: [PortReference: Set<Int>] = [:]
        var empty: [PortReference: String] = [:]
        for leg in cards.values.flatMap(\.groups).flatMap(\.legs) {
            used[leg.card.port] = leg.joined == nil ? leg.strands.used : []
            if let joined = leg.joined { empty[leg.card.port] = "empty: the link aggregation is at port \(joined.number)" }
        }
        (self.used, self.empty) = (used, empty)
        segments = Dictionary(plan.segments.map { ($0.name, $0) }) { first, _ in first }
        impairedTrunks = Dictionary(plan.impairments.map { ($0.link, $0) }) { first, _ in first }
        measures = DrawingMeasures(
            plan, arrangement: arrangement, looks: looks, cards: cards.sorted { $0.key < $1.key }.map(\.value), isCompact: isCompact)
        drawing = PlanDrawing(title: "Network \(plan.profile)", summary: plan.sentence)
        let isBetween = arrangement.blocks.contains { $0.right != nil }
        let beside = isBetween ? 2.0 : 1.0
        let width =
            2 * DrawingMeasures.margin + measures.tracksWidth + measures.trunkWords
            + (plan.segments.isEmpty ? 0 : beside * (measures.chassis + measures.gap)) + measures.card(isBetween: isBetween)
        measures.more = max(0, DrawingMeasures.least - width)
        drawing.width = width + measures.more
    }

    /// The left edge of switches on the left.
    var leftX: Double { DrawingMeasures.margin + measures.tracksWidth + measures.trunkWords }
    /// The left edge of nodes.
    var cardX: Double { plan.segments.isEmpty ? DrawingMeasures.margin : leftX + measures.chassis + measures.gap }
    /// The left edge of switches on the right.
    var rightX: Double { cardX + measures.card(isBetween: true) + measures.gap }

    /// The whole drawing.
    mutating func draw() -> PlanDrawing {
        drawHeading()
        for index in arrangement.blocks.indices { drawBlock(index) }
        for (block, sides) in chassis.enumerated() {
            for side in [DrawingArrangement.Side.left, .right] { if let one = sides[side] { drawChassis(one, block: block, side: side) } }
        }
        drawStraightTrunks()
        drawMarginTrunks()
        drawFoot()
        drawing.height = y + DrawingMeasures.margin
        return drawing
    }

    /// One block: its strips, and where its switches begin and end.
    private mutating func drawBlock(_ index: Int) {
        let block = arrangement.blocks[index]
        let trunks = arrangement.straight.filter { $0.block == index - 1 }
        if index > 0 { y += trunks.isEmpty ? 22 : 50 + (trunks.contains { impairedTrunks[plan.trunks[$0.trunk].name] != nil } ? 18 : 0) }
        chassis.append([:])
        let top = y
        for strip in block.strips {
            let sides = sides(of: strip, in: block)
            for side in sides where chassis[index][side] == nil {
                chassis[index][side] = Chassis(name: (side == .left ? block.left : block.right) ?? "", top: y)
            }
            // The first port stands below the switch's name.
            let least = sides.compactMap { chassis[index][$0].map { $0.top + DrawingMeasures.head } }.max() ?? y
            y = max(y, least - firstPort(of: strip))
            draw(strip, block: index)
            for side in sides { chassis[index][side]?.bottom = y }
            y += measures.isCompact ? 4 : 14
        }
        y -= block.strips.isEmpty ? 0 : measures.isCompact ? 4 : 14
        for (side, name) in [(DrawingArrangement.Side.left, block.left), (.right, block.right)] {
            guard let name else { continue }
            var one = chassis[index][side] ?? Chassis(name: name, top: top)
            one.hasUpper = trunks.contains { $0.side == side }
            one.hasLower = arrangement.straight.contains { $0.block == index && $0.side == side }
            one.bottom = max(one.bottom, one.top + DrawingMeasures.head) + (one.hasLower ? 30 : 0)
            chassis[index][side] = one
            y = max(y, one.bottom)
        }
    }

    /// The sides on which a strip has ports.
    private func sides(of strip: DrawingArrangement.Strip, in block: DrawingArrangement.Block) -> [DrawingArrangement.Side] {
        switch strip {
        case .node(let index):
            let legs = (cards[index]?.groups ?? []).flatMap(\.legs).filter { $0.reference == nil }
            return [.left, .right].filter { side in legs.contains { $0.side == side } }
        case .across: return [.left, .right]
        case .reference(let port): return block.side(of: port.segment).map { [$0] } ?? []
        case .margin: return [.left]
        }
    }

    /// From a strip's upper edge to that of its first port.
    private func firstPort(of strip: DrawingArrangement.Strip) -> Double {
        guard case .node(let index) = strip, let card = cards[index] else { return 8 }
        if measures.isCompact { return 1 }
        guard let group = card.groups.first, let leg = group.legs.first else { return 0 }
        return CardLayout.heading + group.firstLeg(group.side) - portHeight(leg.strands) / 2
    }

    private mutating func draw(_ strip: DrawingArrangement.Strip, block: Int) {
        switch strip {
        case .node(let index):
            guard let card = cards[index] else { return }
            if measures.isCompact { drawLine(card, block: block) } else { drawCard(card, block: block) }
        case .across(let trunk): drawAcross(plan.trunks[trunk], block: block)
        case .reference(let port): drawReference(port, block: block)
        case .margin(let trunk, let segment): drawMarginEnd(trunk, segment: segment, block: block)
        }
    }
}

extension NetworkPlan {
    /// What it is, in one sentence.
    var sentence: String {
        func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
        var parts = [count(nodes.count { $0.service == nil }, "node", "nodes")]
        let services = nodes.count { $0.service != nil }
        if services > 0 { parts.append(count(services, "service node", "service nodes")) }
        parts.append(count(segments.count, "switch", "switches"))
        if !trunks.isEmpty { parts.append(count(trunks.count, "trunk", "trunks")) }
        let vlans = VLANLooks(self).all.filter { $0 != 0 }
        parts.append(vlans.isEmpty ? "no VLANs" : "\(vlans.count == 1 ? "VLAN" : "VLANs") \(VLANLooks.ranges(vlans))")
        return parts.joined(separator: " · ")
    }
}
