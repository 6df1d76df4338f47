/// The heights inside a node, from the top of a group of interfaces.
enum CardLayout {
    /// A node's name.
    static let heading = 32.0
    /// Between groups, and below the last.
    static let space = 8.0
    /// A line of a note or an address.
    static let line = 18.0
}

extension NodeCard.Leg {
    /// The height of the network card.
    var tabHeight: Double { max(24, strands.height + 4, link.unusualMTU == nil ? 0 : 38) }
    /// What it takes with the words at its cable.
    var slot: Double { max(tabHeight + 8, strands.height + (impairment == nil ? 22 : 46)) }
}

extension NodeCard.Row {
    /// Its height.
    var height: Double { max(26, Double(addresses.count) * CardLayout.line + 8) }
}

extension NodeCard.Group {
    func slots(_ side: DrawingArrangement.Side) -> Double { legs.filter { $0.side == side }.reduce(0) { $0 + $1.slot } }
    var rowsHeight: Double { rows.reduce(0) { $0 + $1.height } }
    /// The height of a bond with its words.
    var bondHeight: Double { bond.map { Double($0.bondWords.count + 1) * 16 + 10 } ?? 0 }
    /// The height of the legs.
    var legsHeight: Double { max(slots(.left), slots(.right), isAcross ? 0 : bondHeight) }
    /// Its height.
    var height: Double { isAcross ? legsHeight + (rows.isEmpty ? 0 : rowsHeight + 4) : max(legsHeight, rowsHeight) }

    /// The middle of the first network card on a side.
    func firstLeg(_ side: DrawingArrangement.Side) -> Double {
        let room = isAcross ? legsHeight : height
        return (room - slots(side)) / 2 + (legs.first { $0.side == side }?.slot ?? 0) / 2
    }
}

extension PlanLayout {
    /// A node with its interfaces.
    mutating func drawCard(_ card: NodeCard, block: Int) {
        let isBetween = arrangement.blocks[block].right != nil
        let width = measures.card(isBetween: isBetween)
        let top = y
        let x = cardX
        drawing.text(card.node.name, at: x + 12, top + 18, .name)
        drawing.text(DrawingMeasures.kind(card.node), at: x + width - 12, top + 18, .label, tone: .soft, anchor: .end)
        y += CardLayout.heading
        for group in card.groups {
            draw(group, of: card.node, top: y, frame: (x, x + width), block: block)
            y += group.height + CardLayout.space
        }
        for note in card.notes {
            let isAlert = note.contains(" is impaired: ")
            for text in TextMetrics.wrap(note, size: Font.label.size * (isAlert ? 1.1 : 1), to: width - 24) {
                drawing.text(text, at: x + 12, y + 8, isAlert ? .strong : .label, tone: isAlert ? .alert : .ink)
                y += CardLayout.line
            }
        }
        y += card.notes.isEmpty ? 0 : 4
        let frame = Rect(x: x, y: top, width: width, height: y - top)
        drawing.surfaces.append(PlanDrawing.Box(rect: frame, style: card.node.service == nil ? .node : .service))
    }

    /// A network card or a bond with what stands on it.
    private mutating func draw(_ group: NodeCard.Group, of node: NodeNetwork, top: Double, frame: (Double, Double), block: Int) {
        var places: [(leg: NodeCard.Leg, rect: Rect)] = []
        for side in [DrawingArrangement.Side.left, .right] {
            var middle = top + ((group.isAcross ? group.legsHeight : group.height) - group.slots(side)) / 2
            for leg in group.legs where leg.side == side {
                middle += leg.slot / 2
                let rect = Rect(
                    x: side == .left ? frame.0 : frame.1 - measures.tab, y: middle - leg.tabHeight / 2, width: measures.tab,
                    height: leg.tabHeight)
                places.append((leg, rect))
                drawTab(leg, in: rect)
                if !group.isAggregated { drawLeg(leg, at: rect, block: block) }
                middle += leg.slot / 2
            }
        }
        if group.isAggregated { drawAggregation(places, block: block) }
        let inward = group.side == .left ? 1.0 : -1.0
        var source = (
            x: group.side == .left ? frame.0 + measures.tab : frame.1 - measures.tab, y: places.first?.rect.midY ?? top + group.height / 2
        )
        if let bond = group.bond {
            let rect = bondRect(group, places.map(\.rect), top: top, frame: frame)
            drawBond(bond, in: rect, isAcross: group.isAcross)
            for (leg, tab) in places {
                let (from, to) = leg.side == .left ? (tab.maxX, rect.x) : (tab.x, rect.maxX)
                drawing.cable(from: Point(x: from, y: tab.midY), to: Point(x: to, y: tab.midY), strands: leg.strands)
            }
            source = (group.side == .left ? rect.maxX : rect.x, rect.midY)
            if group.isAcross { source = (frame.0 + measures.lead, rect.maxY) }
        }
        var rowTop = top + (group.isAcross ? group.legsHeight + 4 : (group.height - group.rowsHeight) / 2)
        var ends: [(vlan: Int, end: Point)] = []
        for row in group.rows {
            let middle = rowTop + row.height / 2
            drawRow(row, at: frame.0 + measures.lead, middle)
            let words = span(row)
            let end = frame.0 + measures.lead + (group.side == .left || group.isAcross ? words.start - 6 : words.end + 6)
            if let vlan = row.vlan { ends.append((vlan, Point(x: end, y: middle))) }
            rowTop += row.height
        }
        if group.isAcross {
            drawDrops(ends, from: source.y, x: source.x)
        } else {
            drawFan(ends, from: Point(x: source.x, y: source.y), inward: inward)
        }
    }

    /// A network card at a node's edge.
    private mutating func drawTab(_ leg: NodeCard.Leg, in rect: Rect) {
        let tip = leg.link.tip
        if let mtu = leg.link.unusualMTU {
            drawing.parts.append(PlanDrawing.Box(rect: rect, style: .part, tip: tip))
            drawing.text(leg.link.name, at: rect.midX, rect.midY - 8, .code, anchor: .middle)
            drawing.text(mtu, at: rect.midX, rect.midY + 9, .label, anchor: .middle)
        } else {
            drawing.part(leg.link.name, in: rect, tip: tip)
        }
    }

    /// The cable of a network card, and what it carries.
    private mutating func drawLeg(_ leg: NodeCard.Leg, at rect: Rect, block: Int) {
        let outside = leg.side == .left ? rect.x : rect.maxX
        if let reference = leg.reference {
            let away = leg.side == .left ? -10.0 : 10.0
            drawing.cable(
                from: Point(x: outside + away, y: rect.midY), to: Point(x: outside, y: rect.midY), strands: leg.strands,
                impaired: leg.impairment != nil)
            drawing.text(reference, at: outside + away * 1.4, rect.midY, .label, anchor: leg.side == .left ? .end : .start)
            return
        }
        guard let port = plug(leg.card.port, at: rect.midY, block: block, side: leg.side) else { return }
        drawing.cable(from: port, to: Point(x: outside, y: rect.midY), strands: leg.strands, impaired: leg.impairment != nil)
        let center = (port.x + outside) / 2
        drawing.text(
            VLANLooks.shortWords(leg.card.vlans), at: center, rect.midY - leg.strands.height / 2 - 10, .label, tone: .soft, anchor: .middle)
        if leg.impairment != nil {
            drawing.text("impaired", at: center, rect.midY + leg.strands.height / 2 + 10, .strong, tone: .alert, anchor: .middle)
        }
    }

    private func bondRect(_ group: NodeCard.Group, _ legs: [Rect], top: Double, frame: (Double, Double)) -> Rect {
        let first = legs.map(\.y).min() ?? top
        let last = legs.map(\.maxY).max() ?? top + group.height
        if group.isAcross {
            return Rect(x: frame.0 + measures.tab + 12, y: first, width: frame.1 - frame.0 - 2 * measures.tab - 24, height: last - first)
        }
        let height = max(last - first, group.bondHeight)
        let x = group.side == .left ? frame.0 + measures.tab + 22 : frame.1 - measures.tab - 22 - measures.bond
        return Rect(x: x, y: (first + last) / 2 - height / 2, width: measures.bond, height: height)
    }

    private mutating func drawBond(_ bond: LinkPlan, in rect: Rect, isAcross: Bool) {
        drawing.parts.append(PlanDrawing.Box(rect: rect, style: .part, tip: bond.tip))
        if isAcross {
            drawing.text(bond.name, at: rect.x + 12, rect.midY, .code)
            drawing.text(
                bond.bondWords.joined(separator: ", "), at: rect.x + 24 + Font.code.width(bond.name), rect.midY, .label, tone: .soft)
            return
        }
        var middle = rect.midY - Double(bond.bondWords.count) * 8
        drawing.text(bond.name, at: rect.midX, middle, .code, anchor: .middle)
        for words in bond.bondWords {
            middle += 16
            drawing.text(words, at: rect.midX, middle, .label, tone: .soft, anchor: .middle)
        }
    }

    /// Where the words of an interface begin and end, from the first column.
    private func span(_ row: NodeCard.Row) -> (start: Double, end: Double) {
        let chip = measures.name
        let address = chip + measures.chip
        let note = address + measures.address
        let start = !row.name.isEmpty ? 0 : !DrawingMeasures.chip(row.vlan).isEmpty ? chip : row.addresses.isEmpty ? note : address
        return (start, row.isAlone ? measures.columns : note + Font.label.width(row.note))
    }

    /// An interface with its addresses, in columns.
    private mutating func drawRow(_ row: NodeCard.Row, at left: Double, _ middle: Double) {
        var x = left
        drawing.text(row.name, at: x, middle, .code)
        x += measures.name
        drawChip(row.vlan, text: DrawingMeasures.chip(row.vlan), at: x, middle)
        x += measures.chip
        for (index, address) in row.addresses.enumerated() {
            drawing.text(address, at: x, middle + (Double(index) - Double(row.addresses.count - 1) / 2) * CardLayout.line, .value)
        }
        x += measures.address
        drawing.text(row.note, at: x, middle, .label, tone: .soft)
        if row.isAlone { drawAlone(at: x + measures.note, middle) }
    }

    /// The number of a VLAN in its frame.
    mutating func drawChip(_ vlan: Int?, text: String, at x: Double, _ middle: Double) {
        guard let vlan, !text.isEmpty else { return }
        drawing.part(
            text, in: Rect(x: x, y: middle - 10, width: Font.code.width(text) + 10, height: 20), style: .chip,
            vlan: looks.hasRails ? looks.place(vlan) : nil)
    }

    /// A warning at an interface that reaches nobody.
    mutating func drawAlone(at x: Double, _ middle: Double) {
        let words = measures.isCompact ? DrawingMeasures.shortAlone : DrawingMeasures.alone
        let width = Font.strong.width(words) + 12
        drawing.parts.append(PlanDrawing.Box(rect: Rect(x: x, y: middle - 10, width: width, height: 20), style: .warning))
        drawing.text(words, at: x + width / 2, middle, .strong, tone: .alert, anchor: .middle)
    }
}
