/// Nodes in one line each, for plans with many.
extension PlanLayout {
    /// A node with its interfaces in a line, or a few when it has many.
    mutating func drawLine(_ card: NodeCard, block: Int) {
        let isBetween = arrangement.blocks[block].right != nil
        let width = measures.card(isBetween: isBetween)
        let (top, x) = (y, cardX)
        var bottom = top
        for side in [DrawingArrangement.Side.left, .right] {
            var below = top
            for group in card.groups {
                var places: [(leg: NodeCard.Leg, rect: Rect)] = []
                for leg in group.legs where leg.side == side {
                    let height = max(22, leg.strands.height + 2)
                    let rect = Rect(x: side == .left ? x : x + width - measures.tab, y: below + 1, width: measures.tab, height: height)
                    drawing.part(leg.link.name, in: rect, tip: leg.link.tip + ", " + leg.card.vlans.sentence)
                    if group.isAggregated { places.append((leg, rect)) } else { drawShortLeg(leg, at: rect, block: block) }
                    below += height + 2
                }
                if !places.isEmpty { drawAggregation(places, block: block) }
            }
            bottom = max(bottom, below)
        }
        let cells = card.cells
        let lines = max(1, (cells.count + measures.cells.count - 1) / measures.cells.count)
        let pitch = max((bottom - top) / Double(lines), 24)
        drawing.text(card.node.name, at: x + measures.tab + 8, top + pitch / 2, Font(size: 13.5, mono: true, bold: true))
        for (index, cell) in cells.enumerated() {
            let (line, column) = index.quotientAndRemainder(dividingBy: measures.cells.count)
            let left = x + measures.tab + measures.nodeName + measures.cells[..<column].reduce(0, +)
            draw(cell, at: left, top + (Double(line) + 0.5) * pitch)
        }
        y = max(bottom, top + pitch * Double(lines))
        drawing.surfaces.append(
            PlanDrawing.Box(rect: Rect(x: x, y: top, width: width, height: y - top), style: card.node.service == nil ? .node : .service))
    }

    private mutating func drawShortLeg(_ leg: NodeCard.Leg, at rect: Rect, block: Int) {
        let outside = leg.side == .left ? rect.x : rect.maxX
        let isImpaired = leg.impairment != nil
        if let reference = leg.reference {
            let away = leg.side == .left ? -10.0 : 10.0
            drawing.cable(
                from: Point(x: outside + away, y: rect.midY), to: Point(x: outside, y: rect.midY), strands: leg.strands,
                impaired: isImpaired)
            drawing.text(reference, at: outside + away * 1.4, rect.midY, .label, anchor: leg.side == .left ? .end : .start)
        } else if let port = plug(leg.card.port, at: rect.midY, block: block, side: leg.side) {
            drawing.cable(from: port, to: Point(x: outside, y: rect.midY), strands: leg.strands, impaired: isImpaired)
        }
    }

    private mutating func draw(_ cell: NodeCard.Cell, at left: Double, _ middle: Double) {
        var x = left
        drawChip(cell.vlan, text: cell.chip, at: x, middle)
        x += cell.chip.isEmpty ? 0 : Font.code.width(cell.chip) + 20
        drawing.text(cell.text, at: x, middle, .code)
        x += cell.text.isEmpty ? 0 : Font.code.width(cell.text) + 10
        drawing.text(cell.note, at: x, middle, .label, tone: .soft)
        if cell.isAlone { drawAlone(at: x + (cell.note.isEmpty ? 0 : Font.label.width(cell.note) + 10), middle) }
    }
}
