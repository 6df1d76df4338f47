/// Trunks, and ports whose cable is not drawn.
extension PlanLayout {
    /// The trunk between the two switches of a block.
    mutating func drawAcross(_ trunk: TrunkPlan, block: Int) {
        let impairment = impairedTrunks[trunk.name]
        let strands = looks.strands(trunk.vlans)
        let middle = y + 22 + strands.height / 2
        let ends = [trunk.first, trunk.second].map { ($0, arrangement.blocks[block].side(of: $0.segment) ?? .left) }
        for (port, side) in ends { _ = plug(port, at: middle, block: block, side: side) }
        drawing.cable(
            from: Point(x: edge(.left), y: middle), to: Point(x: edge(.right), y: middle), strands: strands, impaired: impairment != nil)
        let center = (edge(.left) + edge(.right)) / 2
        drawing.text(label(trunk), at: center, middle - strands.height / 2 - 11, .label, anchor: .middle)
        if let impairment {
            drawing.text(
                "impaired: \(impairment.words)", at: center, middle + strands.height / 2 + 12, .strong, tone: .alert, anchor: .middle)
        }
        y = middle + strands.height / 2 + (impairment == nil ? 10 : 24)
    }

    /// A port with the name of its far end.
    mutating func drawReference(_ reference: PortReference, block: Int) {
        guard let side = arrangement.blocks[block].side(of: reference.segment),
            let port = segments[reference.segment]?.ports.first(where: {
                $0.number == reference.number
            })
        else { return }
        let strands = looks.strands(port.vlans, used: used[reference])
        let away = side == .left ? 24.0 : -24.0
        let x = edge(side) + away * 1.4
        let room = side == .left ? drawing.width - DrawingMeasures.margin - x : x - edge(.left) - 10
        let lines = TextMetrics.wrap(farEnd(of: port, from: reference), size: Font.label.size, to: room)
        let half = max(16, strands.height / 2 + 2, Double(lines.count) * CardLayout.line / 2 + 2)
        let middle = y + half
        _ = plug(reference, at: middle, block: block, side: side)
        if empty[reference] == nil {
            drawing.cable(
                from: Point(x: edge(side), y: middle), to: Point(x: edge(side) + away, y: middle), strands: strands,
                impaired: isImpaired(port.peer))
        }
        draw(lines, at: x, middle, .label, anchor: side == .left ? .start : .end)
        y = middle + half
    }

    /// Lines of text around a middle.
    private mutating func draw(
        _ lines: [String], at x: Double, _ middle: Double, _ font: Font, tone: PlanDrawing.Text.Tone = .ink, anchor: PlanDrawing.Text.Anchor
    ) {
        for (index, line) in lines.enumerated() {
            let offset = (Double(index) - Double(lines.count - 1) / 2) * CardLayout.line
            drawing.text(line, at: x, middle + offset, font, tone: tone, anchor: anchor)
        }
    }

    private func isImpaired(_ peer: PortPlan.Peer) -> Bool {
        switch peer {
        case .nic(let node, let interface): impairedTrunks["\(node).\(interface)"] != nil
        case .trunk(let name): impairedTrunks[name] != nil
        }
    }

    private func farEnd(of port: PortPlan, from reference: PortReference) -> String {
        switch port.peer {
        case .nic(let node, let interface): return "to \(node) \(interface)" + (empty[reference].map { " · \($0)" } ?? "")
        case .trunk(let name):
            guard let trunk = plan.trunks.first(where: { $0.name == name }) else { return "trunk \(name)" }
            let other = trunk.first == reference ? trunk.second : trunk.first
            return label(trunk) + " · to \(other.segment) port \(other.number)"
                + (impairedTrunks[name].map { " · impaired: \($0.words)" } ?? "")
        }
    }

    private func label(_ trunk: TrunkPlan) -> String {
        DrawingMeasures.words(trunk).filter { !$0.isEmpty }.joined(separator: " · ")
    }

    /// One end of a trunk in the left margin.
    mutating func drawMarginEnd(_ index: Int, segment: String, block: Int) {
        let trunk = plan.trunks[index]
        let end = trunk.first.segment == segment ? trunk.first : trunk.second
        guard let port = segments[segment]?.ports.first(where: { $0.number == end.number }) else { return }
        let strands = looks.strands(trunk.vlans)
        let middle = y + 22 + strands.height / 2
        let at = Point(x: leftX, y: middle)
        chassis[block][.left]?.marginPorts.append((port, at))
        if marginEnds[index] == nil, let impairment = impairedTrunks[trunk.name] {
            let x = edge(.left) + 14
            let lines = TextMetrics.wrap(
                "trunk \(trunk.name) is impaired: \(impairment.words)", size: Font.strong.size * 1.1,
                to: drawing.width - DrawingMeasures.margin - x)
            draw(lines, at: x, middle, .strong, tone: .alert, anchor: .start)
        }
        marginEnds[index, default: []].append(at)
        for (line, text) in DrawingMeasures.words(trunk).enumerated() {
            drawing.text(
                text, at: leftX - 8, middle + (line == 0 ? -1 : 1) * (strands.height / 2 + 11), .label, tone: line == 0 ? .ink : .soft,
                anchor: .end)
        }
        y = middle + strands.height / 2 + 20
    }

    /// Trunks that run along the left margin, when both ends have their places.
    mutating func drawMarginTrunks() {
        var x = DrawingMeasures.margin + measures.tracksWidth - 10
        for track in 0..<DrawingArrangement.trackLimit {
            let trunks = arrangement.marginal.filter { $0.track == track }
            guard let width = trunks.map({ looks.strands(plan.trunks[$0.trunk].vlans).height }).max() else { return }
            x -= width + 8
            for index in trunks.map(\.trunk) {
                guard let ends = marginEnds[index], ends.count == 2 else { continue }
                drawMarginTrunk(plan.trunks[index], from: ends[0], to: ends[1], at: x + width / 2)
            }
        }
    }

    private mutating func drawMarginTrunk(_ trunk: TrunkPlan, from: Point, to: Point, at x: Double) {
        let strands = looks.strands(trunk.vlans)
        func path(_ offset: Double) -> [Point] {
            [
                Point(x: from.x, y: from.y + offset), Point(x: x + offset, y: from.y + offset), Point(x: x + offset, y: to.y + offset),
                Point(x: to.x, y: to.y + offset),
            ]
        }
        drawing.cables.append(
            PlanDrawing.Line(points: path(0), style: .cable(width: strands.height, impaired: impairedTrunks[trunk.name] != nil)))
        for (offset, style) in strands.lines { drawing.lines.append(PlanDrawing.Line(points: path(offset), style: style)) }
    }

    /// Trunks from a switch to the next one in its column: the lines of the VLANs go on.
    mutating func drawStraightTrunks() {
        for (index, block, side) in arrangement.straight {
            let trunk = plan.trunks[index]
            guard let upper = chassis[block][side], let lower = chassis[block + 1][side] else { continue }
            let xs = trunk.vlans.vlans.map { rail($0, side) }
            guard let first = xs.min(), let last = xs.max() else { continue }
            let middle = (first + last) / 2
            let width = max(last - first + 14, measures.portWidth)
            let span = (middle - width / 2, middle + width / 2)
            let (above, below) = trunk.first.segment == upper.name ? (trunk.first, trunk.second) : (trunk.second, trunk.first)
            for (port, y) in [(above, upper.bottom - 22), (below, lower.top + 2)] {
                drawing.part(
                    "\(port.number)", in: Rect(x: span.0, y: y, width: width, height: 20),
                    tip: "port \(port.number): \(trunk.vlans.sentence)")
            }
            let impairment = impairedTrunks[trunk.name]
            drawing.cables.append(
                PlanDrawing.Line(
                    points: [Point(x: middle, y: upper.bottom), Point(x: middle, y: lower.top)],
                    style: .cable(width: width - 4, impaired: impairment != nil)))
            for vlan in trunk.vlans.vlans {
                let x = rail(vlan, side)
                drawing.lines.append(
                    PlanDrawing.Line(
                        points: [Point(x: x, y: upper.bottom - 2), Point(x: x, y: lower.top + 2)], style: .strand(looks.place(vlan))))
            }
            let (x, anchor) = side == .left ? (span.1 + 10, PlanDrawing.Text.Anchor.start) : (span.0 - 10, .end)
            drawing.text(label(trunk), at: x, lower.top - 25 - (impairment == nil ? 0 : 14), .label, anchor: anchor)
            if let impairment {
                drawing.text("impaired: \(impairment.words)", at: x, lower.top - 21, .strong, tone: .alert, anchor: anchor)
            }
        }
    }
}
