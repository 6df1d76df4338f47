/// Link aggregations: several network cards of a node at one port.
extension PlanLayout {
    /// A link aggregation between a bond's network cards and their switch, in both forms of a node.
    mutating func drawAggregation(_ legs: [(leg: NodeCard.Leg, rect: Rect)], block: Int) {
        guard let (first, firstRect) = legs.first, let (last, lastRect) = legs.last else { return }
        let (side, outward) = (first.side, first.side == .left ? -1.0 : 1.0)
        let outside = side == .left ? firstRect.x : firstRect.maxX
        let near = outside + outward * measures.aggregationLegs
        let far = near + outward * measures.aggregation
        let top = firstRect.midY - portHeight(first.strands) / 2
        let bottom = lastRect.midY + portHeight(last.strands) / 2
        drawing.part(
            DrawingMeasures.aggregationName, in: Rect(x: min(near, far), y: top, width: measures.aggregation, height: bottom - top),
            tip: "link aggregation at \(first.card.port.segment) port \(first.card.port.number)")
        for (leg, rect) in legs {
            drawing.cable(
                from: Point(x: near, y: rect.midY), to: Point(x: outside, y: rect.midY), strands: leg.strands,
                impaired: leg.impairment != nil)
            if leg.impairment != nil, !measures.isCompact {
                drawing.text(
                    "impaired", at: (near + outside) / 2, rect.midY + leg.strands.height / 2 + 10, .strong, tone: .alert, anchor: .middle)
            }
            guard leg.reference == nil, let port = plug(leg.card.port, at: rect.midY, block: block, side: side) else { continue }
            if leg.joined == nil {
                drawJoint(leg, from: port, to: Point(x: far, y: rect.midY))
            } else {
                drawing.text("empty", at: port.x - outward * 8, rect.midY, .label, tone: .soft, anchor: side == .left ? .start : .end)
            }
        }
        guard let reference = first.reference else { return }
        let away = Point(x: far + outward * 10, y: firstRect.midY)
        drawing.cable(from: away, to: Point(x: far, y: firstRect.midY), strands: first.strands)
        drawing.text(reference, at: away.x + outward * 4, away.y, .label, anchor: side == .left ? .end : .start)
    }

    /// The cable between the port and the link aggregation.
    private mutating func drawJoint(_ leg: NodeCard.Leg, from port: Point, to end: Point) {
        drawing.cable(from: port, to: end, strands: leg.strands)
        guard !measures.isCompact else { return }
        drawing.text(
            VLANLooks.shortWords(leg.card.vlans), at: (port.x + end.x) / 2, port.y - leg.strands.height / 2 - 10, .label, tone: .soft,
            anchor: .middle)
    }
}
