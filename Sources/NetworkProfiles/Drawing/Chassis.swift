/// A switch as it is drawn.
struct Chassis {
    var name: String
    var top: Double
    var bottom = 0.0
    /// Where cables of each port begin, with what it carries.
    var ports: [(port: PortPlan, at: Point, used: Set<Int>?)] = []
    /// Where the ends of trunks in the left margin are.
    var marginPorts: [(port: PortPlan, at: Point)] = []
    /// Whether a trunk leaves at the upper edge, and at the lower one.
    var hasUpper = false
    var hasLower = false
}

extension PlanLayout {
    /// The edge of a switch that faces the nodes.
    func edge(_ side: DrawingArrangement.Side) -> Double { side == .left ? leftX + measures.chassis : rightX }

    /// The place of a VLAN's line in a switch.
    func rail(_ vlan: Int, _ side: DrawingArrangement.Side) -> Double {
        let inner = (Double(looks.place(vlan)) + 0.5) * measures.railPitch + 6
        let before = measures.chassis - measures.railsWidth - measures.nameWidth
        return side == .left ? leftX + before + inner : rightX + measures.chassis - before - inner
    }

    /// A port as it is plugged in: its box, its number and, for later, where its VLANs join the switch's.
    ///
    /// - Returns: where its cable begins; nil when the plan has no such port.
    mutating func plug(_ reference: PortReference, at y: Double, block: Int, side: DrawingArrangement.Side) -> Point? {
        guard let port = segments[reference.segment]?.ports.first(where: { $0.number == reference.number }) else { return nil }
        let at = Point(x: edge(side), y: y)
        chassis[block][side]?.ports.append((port, at, used[reference]))
        return at
    }

    /// The height of a port.
    func portHeight(_ strands: StrandBundle) -> Double { max(20, strands.height + 2) }

    /// A switch with its lines and ports, when all its ports have their places.
    mutating func drawChassis(_ one: Chassis, block: Int, side: DrawingArrangement.Side) {
        let x = side == .left ? leftX : rightX
        let frame = Rect(x: x, y: one.top, width: measures.chassis, height: one.bottom - one.top)
        drawing.surfaces.append(PlanDrawing.Box(rect: frame, style: .chassis, tip: "switch \(one.name)"))
        let nameX = side == .left ? frame.maxX - measures.nameWidth + 12 : frame.x + 12
        drawing.text(one.name, at: nameX, one.top + 20, .name)
        if let segment = segments[one.name] { drawing.text(DrawingMeasures.ports(segment), at: nameX, one.top + 38, .label, tone: .soft) }
        for (port, at, _) in one.ports { drawPort(port, at: at, faces: side) }
        for (port, at) in one.marginPorts { drawPort(port, at: at, faces: side == .left ? .right : .left) }
        if looks.hasRails { drawRails(one, block: block, side: side) }
    }

    /// The box of a port whose cable begins at a place; it is inside the switch, on the side that the cable faces away from.
    private mutating func drawPort(_ port: PortPlan, at: Point, faces side: DrawingArrangement.Side) {
        let height = portHeight(looks.strands(port.vlans))
        let x = side == .left ? at.x - measures.portWidth : at.x
        let rect = Rect(x: x, y: at.y - height / 2, width: measures.portWidth, height: height)
        drawing.part("\(port.number)", in: rect, tip: "port \(port.number): \(port.vlans.sentence)")
    }

    /// The VLANs of a switch: a line down for each, a line to each port that carries it, and a dot where they join.
    private mutating func drawRails(_ one: Chassis, block: Int, side: DrawingArrangement.Side) {
        let upper = arrangement.straight.first { $0.block == block - 1 && $0.side == side }.map { plan.trunks[$0.trunk].vlans.vlans } ?? []
        let lower = arrangement.straight.first { $0.block == block && $0.side == side }.map { plan.trunks[$0.trunk].vlans.vlans } ?? []
        let inward = side == .left ? -measures.portWidth : measures.portWidth
        let ends = one.ports.map { ($0.port, $0.at, $0.used, inward) } + one.marginPorts.map { ($0.port, $0.at, nil, -inward) }
        let labelY = one.top + (one.hasUpper ? 36 : 20)
        for vlan in looks.all {
            let (x, look) = (rail(vlan, side), looks.place(vlan))
            var last = lower.contains(vlan) ? one.bottom - 22 : 0
            var lastSpare = 0.0
            for (port, at, used, inward) in ends where port.vlans.vlans.contains(vlan) {
                let strands = looks.strands(port.vlans, used: used)
                let y = at.y + strands.offset(of: vlan)
                let isSpare = strands.isSpare(vlan)
                drawing.lines.append(
                    PlanDrawing.Line(
                        points: [Point(x: at.x + inward, y: y), Point(x: x, y: y)], style: isSpare ? .spare(look) : .strand(look)))
                drawing.dots.append(PlanDrawing.Dot(center: Point(x: x, y: y), vlan: look, isSpare: isSpare))
                if isSpare { lastSpare = max(lastSpare, y) } else { last = max(last, y) }
            }
            guard max(last, lastSpare) > 0 || upper.contains(vlan) else { continue }
            drawing.text(DrawingMeasures.railLabel(vlan), at: x, labelY, .code, anchor: .middle)
            let start = labelY + 9
            if last > 0 {
                drawing.lines.append(PlanDrawing.Line(points: [Point(x: x, y: start), Point(x: x, y: last)], style: .strand(look)))
            }
            if lastSpare > last {
                drawing.lines.append(
                    PlanDrawing.Line(points: [Point(x: x, y: max(start, last)), Point(x: x, y: lastSpare)], style: .spare(look)))
            }
        }
    }
}

extension PortVLANs {
    /// What it carries; for a plain port too.
    var sentence: String {
        let words = VLANLooks.words(self)
        return words.isEmpty ? "plain, frames without a tag" : words
    }
}
