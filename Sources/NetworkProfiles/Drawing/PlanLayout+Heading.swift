/// The title, the legend and what is meant to fail.
extension PlanLayout {
    /// What stands above the network.
    mutating func drawHeading() {
        let left = DrawingMeasures.margin
        let room = drawing.width - 2 * left
        for line in TextMetrics.wrap(plan.profile, size: Font.title.size * 1.1, to: room) {
            drawing.text(line, at: left, y + 12, .title)
            y += 30
        }
        for line in TextMetrics.wrap(plan.sentence, size: Font.label.size, to: room) {
            drawing.text(line, at: left, y + 8, .label, tone: .soft)
            y += CardLayout.line
        }
        y += 8
        drawLegend()
        drawExpectedFailure(room)
        y += 12
    }

    /// One line of the legend.
    private struct Entry {
        var vlan: Int?
        var name: String
        var network: String
        var prefixes: String
    }

    private var entries: [Entry] {
        let places = Dictionary(plan.networks.enumerated().map { ($1.name, $0) }) { first, _ in first }
        var used: [Int: Set<Int>] = [:]
        var found: Set<Int> = []
        for card in cards.values {
            for row in card.groups.flatMap(\.rows) {
                guard let vlan = row.vlan, let network = row.link.network.flatMap({ places[$0] }) else { continue }
                used[vlan, default: []].insert(network)
                found.insert(network)
            }
        }
        var entries: [Entry] = []
        for vlan in looks.all {
            let name = vlan == 0 ? "untagged, no VLAN" : "VLAN \(vlan)"
            let networks = (used[vlan] ?? []).sorted().map { plan.networks[$0] }
            // Where VLANs have no lines of their own there is nothing to say of those without a network.
            if networks.isEmpty, looks.hasRails { entries.append(Entry(vlan: vlan, name: name, network: "", prefixes: "")) }
            for network in networks { entries.append(Entry(vlan: vlan, name: name, network: network.name, prefixes: network.prefixes)) }
        }
        for (index, network) in plan.networks.enumerated() where !found.contains(index) {
            entries.append(Entry(vlan: nil, name: "not used", network: network.name, prefixes: network.prefixes))
        }
        return entries
    }

    /// Which line is which VLAN, and the networks in them.
    private mutating func drawLegend() {
        let entries = entries
        let name = (entries.map { Font.code.width($0.name) }.max() ?? 0) + 14
        let network = (entries.map { Font.label.width($0.network) }.max() ?? 0) + 14
        let prefixes = (entries.map { Font.code.width($0.prefixes) }.max() ?? 0) + 28
        let width = 46 + name + network + prefixes
        let columns = max(1, min(entries.count, Int((drawing.width - 2 * DrawingMeasures.margin + 28) / width)))
        let lines = (entries.count + columns - 1) / columns
        for (index, entry) in entries.enumerated() {
            let x = DrawingMeasures.margin + Double(index / max(lines, 1)) * width - (looks.hasRails ? 0 : 46)
            let middle = y + 11 + Double(index % max(lines, 1)) * 22
            if let vlan = entry.vlan, looks.hasRails {
                drawing.lines.append(
                    PlanDrawing.Line(
                        points: [Point(x: x, y: middle), Point(x: x + 36, y: middle)],
                        style: looks.line(vlan)))
            }
            drawing.text(entry.name, at: x + 46, middle, .code)
            drawing.text(entry.network, at: x + 46 + name, middle, .label)
            drawing.text(entry.prefixes, at: x + 46 + name + network, middle, .code)
        }
        drawing.width = max(drawing.width, width - 28 + 2 * DrawingMeasures.margin)
        y += Double(lines) * 22 + 4
    }

    /// What is meant not to work, and why.
    private mutating func drawExpectedFailure(_ room: Double) {
        guard let failure = plan.expectedFailure else { return }
        let top = y + 6
        let what = "Meant to fail: no node reaches another over \(failure.unreachable.joined(separator: ", "))."
        var middle = top + 18
        for line in TextMetrics.wrap(what, size: Font.strong.size * 1.1, to: room - 28) {
            drawing.text(line, at: DrawingMeasures.margin + 14, middle, .strong, tone: .alert)
            middle += CardLayout.line
        }
        for line in TextMetrics.wrap(failure.reason, size: Font.label.size, to: room - 28) {
            drawing.text(line, at: DrawingMeasures.margin + 14, middle, .label)
            middle += CardLayout.line
        }
        drawing.surfaces.append(
            PlanDrawing.Box(rect: Rect(x: DrawingMeasures.margin, y: top, width: room, height: middle - top), style: .warning))
        y = middle + 4
    }

    /// How to read it.
    mutating func drawFoot() {
        var how: [String] = []
        if looks.hasRails, looks.all.count > 1 {
            how.append("Inside a switch, a dot joins a port to a VLAN; where lines only cross, nothing is joined.")
            if drawing.dots.contains(where: \.isSpare) {
                how.append(
                    "A thin line is a VLAN that the port carries for nobody: \(empty.isEmpty ? "" : "nothing is plugged in, or ")the node has no interface for it."
                )
            }
        }
        if measures.aggregation > 0 {
            how.append(
                "\(DrawingMeasures.aggregationName): a link aggregation of vmlab, the LACP partner of the bond; it has one port, those of the other legs stay empty."
            )
        }
        guard !how.isEmpty else { return }
        y += 18
        for line in TextMetrics.wrap(how.joined(separator: " "), size: Font.label.size, to: drawing.width - 2 * DrawingMeasures.margin) {
            drawing.text(line, at: DrawingMeasures.margin, y + 6, .label, tone: .soft)
            y += CardLayout.line
        }
    }
}

extension NetworkProfile.IPNetwork {
    /// Its prefixes, for reading.
    var prefixes: String { [ipv4, ipv6].compactMap { $0?.description }.joined(separator: ", ") }
}
