/// The lines inside a node: from a network card or a bond to the interfaces on it.
extension PlanLayout {
    /// Lines from a part's side to interfaces beside it, in the order of the interfaces and so without crossings: of those that go up the topmost turns
    /// last, of those that go down the lowest turns first.
    mutating func drawFan(_ ends: [(vlan: Int, end: Point)], from source: Point, inward: Double) {
        let room = ends.map { abs($0.end.x - source.x) }.min() ?? 0
        let step = min(8, (room - 14) / Double(max(ends.count, 1)))
        for (index, (vlan, end)) in ends.enumerated() {
            let start = source.y + (Double(index) - Double(ends.count - 1) / 2) * StrandBundle.pitch
            let turn = source.x + inward * (8 + step * Double(start > end.y ? index : ends.count - 1 - index))
            var points = [Point(x: source.x, y: start), Point(x: turn, y: start), Point(x: turn, y: end.y), end]
            if abs(start - end.y) < 0.5 { points = [Point(x: source.x, y: end.y), end] }
            drawing.lines.append(PlanDrawing.Line(points: points, style: looks.line(vlan)))
        }
    }

    /// Lines from the lower edge of a part to interfaces below it.
    mutating func drawDrops(_ ends: [(vlan: Int, end: Point)], from bottom: Double, x: Double) {
        let room = measures.lead - measures.tab - 24
        let step = min(8, room / Double(max(ends.count, 1)))
        for (index, (vlan, end)) in ends.enumerated() {
            let column = end.x - 10 - step * Double(index)
            drawing.lines.append(
                PlanDrawing.Line(
                    points: [Point(x: column, y: bottom), Point(x: column, y: end.y), end], style: looks.line(vlan)))
        }
    }
}
