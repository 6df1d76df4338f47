/// The lines inside a node: from a network card or a bond to the interfaces on it.
extension PlanLayout {
    /// Lines from a part's side to interfaces beside it, without crossings: of those that go up the topmost turns last, of those that go down the
    /// lowest turns first.
    mutating func drawFan(_ ends: [(vlan: Int, end: Point)], from source: Point, bundle: StrandBundle, inward: Double) {
        // Where interfaces stand in another order than their VLANs, lines cross; then they start in the order of the interfaces.
        let starts = ends.map { source.y + bundle.offset(of: $0.vlan) }.sorted()
        let room = ends.map { abs($0.end.x - source.x) }.min() ?? 0
        let step = min(8, (room - 14) / Double(max(ends.count, 1)))
        let isSorted = ends.map(\.vlan) == ends.map(\.vlan).sorted()
        for (index, (vlan, end)) in ends.enumerated() {
            let start = isSorted || bundle.looks == nil ? source.y + bundle.offset(of: vlan) : starts[index]
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
