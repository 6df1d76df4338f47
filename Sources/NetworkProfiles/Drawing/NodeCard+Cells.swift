/// A node in one line, for plans with many.
extension NodeCard {
    /// One interface, bond or remark.
    struct Cell {
        var vlan: Int?
        var text: String
        /// More about it.
        var note: String
        var isAlone = false

        /// The VLAN in words.
        var chip: String { DrawingMeasures.chip(vlan) }

        /// Its width.
        var width: Double {
            typealias Font = PlanDrawing.Text.Font
            return (chip.isEmpty ? 0 : Font.code.width(chip) + 20) + Font.code.width(text)
                + (note.isEmpty ? 0 : Font.label.width(note) + 10)
                + (isAlone ? Font.strong.width(DrawingMeasures.shortAlone) + 24 : 0)
        }
    }

    /// What stands beside its name.
    var cells: [Cell] {
        var cells: [Cell] = []
        for group in groups {
            for leg in group.legs {
                let words = [leg.link.unusualMTU, leg.impairment.map { "impaired: \($0.words)" }].compactMap(\.self)
                if !words.isEmpty { cells.append(Cell(text: leg.link.name, note: words.joined(separator: " · "))) }
            }
            for row in group.rows {
                var note = row.addresses.isEmpty ? [row.note] : []
                if row.link.dhcp, !row.addresses.isEmpty { note.append("DHCP") }
                if let mtu = row.link.unusualMTU, !row.name.isEmpty { note.append(mtu) }
                // A node with one interface has its name at the edge.
                let name = row.name.isEmpty && groups.count > 1 ? row.link.name : row.name
                let text = ([name] + row.addresses).filter { !$0.isEmpty }.joined(separator: "\u{A0} ")
                cells.append(Cell(vlan: row.vlan, text: text, note: note.joined(separator: " · "), isAlone: row.isAlone))
            }
            // Last, so that the columns of addresses are those of nodes without a bond.
            if let bond = group.bond { cells.append(Cell(text: bond.name, note: bond.bondWords.joined(separator: ", "))) }
        }
        if node.service != nil { cells += notes.prefix(3).map { Cell(text: "", note: $0) } }
        return cells
    }
}
