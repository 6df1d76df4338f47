import Testing

@testable import NetworkProfiles

@Suite("Drawings are readable", .tier(.unit))
struct DrawingGeometryTests {
    static let cases =
        DrawingCase.all + DrawingCase.shipped + DrawingCase.random + [
            .big(nodes: 60, switches: 6, bonds: true), .big(nodes: 40, switches: 2, bonds: false),
        ]

    /// Pairs of neighbours by height: the rest cannot touch.
    private func pairs(_ rects: [Rect], _ others: [Rect], _ body: (Int, Int) -> Void) {
        let order = others.indices.sorted { others[$0].y < others[$1].y }
        let tallest = others.map(\.height).max() ?? 0
        for (index, rect) in rects.enumerated() {
            var low = 0
            var high = order.count
            while low < high {
                let middle = (low + high) / 2
                if others[order[middle]].y < rect.y - tallest { low = middle + 1 } else { high = middle }
            }
            while low < order.count, others[order[low]].y <= rect.maxY {
                body(index, order[low])
                low += 1
            }
        }
    }

    /// The straight pieces of a line as rectangles of its width.
    private func pieces(_ line: PlanDrawing.Line) -> [Rect] {
        let half: Double =
            switch line.style {
            case .cable(let width, _): width / 2 + 1
            case .strand, .spare: 1.5
            case .bundle: 2
            }
        return zip(line.points, line.points.dropFirst()).map { from, to in
            let (x, y) = (min(from.x, to.x), min(from.y, to.y))
            // A line ends at its points: it is wide across its direction alone.
            return from.y == to.y
                ? Rect(x: x, y: y - half, width: abs(from.x - to.x), height: 2 * half)
                : Rect(x: x - half, y: y, width: 2 * half, height: abs(from.y - to.y))
        }
    }

    @Test("Texts keep apart and stay on the page", arguments: cases)
    func texts(_ one: DrawingCase) {
        let drawing = one.plan.geometry
        let page = Rect(x: 0, y: 0, width: drawing.width, height: drawing.height)
        let rects = drawing.texts.map(\.rect)
        for text in drawing.texts where !page.contains(text.rect) { Issue.record("\(text.string) leaves the page") }
        pairs(rects, rects) { first, second in
            guard first < second, rects[first].overlaps(rects[second]) else { return }
            Issue.record("\(drawing.texts[first].string) lies on \(drawing.texts[second].string)")
        }
    }

    @Test("No text lies on the border of a box, and boxes are inside each other or apart", arguments: cases)
    func boxes(_ one: DrawingCase) {
        let drawing = one.plan.geometry
        let boxes = (drawing.surfaces + drawing.parts).map(\.rect)
        let page = Rect(x: 0, y: 0, width: drawing.width, height: drawing.height)
        for box in boxes { #expect(page.contains(box)) }
        pairs(drawing.texts.map(\.rect), boxes) { text, box in
            guard drawing.texts[text].rect.overlaps(boxes[box]), !boxes[box].contains(drawing.texts[text].rect) else { return }
            Issue.record("\(drawing.texts[text].string) lies on the border of \(boxes[box])")
        }
        pairs(boxes, boxes) { first, second in
            guard first < second, boxes[first].overlaps(boxes[second]) else { return }
            guard !boxes[first].contains(boxes[second]), !boxes[second].contains(boxes[first]) else { return }
            Issue.record("\(boxes[first]) lies on \(boxes[second])")
        }
    }

    @Test("No line crosses a text, a port or a network card", arguments: cases)
    func lines(_ one: DrawingCase) {
        let drawing = one.plan.geometry
        let pieces = (drawing.lines + drawing.cables).flatMap(pieces)
        pairs(drawing.texts.map(\.rect), pieces) { text, piece in
            guard drawing.texts[text].rect.overlaps(pieces[piece]) else { return }
            Issue.record("a line crosses \(drawing.texts[text].string)")
        }
        // Lines may lie under the border of the part they end at, no deeper.
        let parts = drawing.parts.map { Rect(x: $0.rect.x + 3, y: $0.rect.y + 3, width: $0.rect.width - 6, height: $0.rect.height - 6) }
        pairs(parts, pieces) { part, piece in
            if parts[part].overlaps(pieces[piece]) { Issue.record("a line crosses \(drawing.parts[part])") }
        }
    }

    @Test("Lines run straight, and those of different VLANs do not lie on each other", arguments: cases)
    func strands(_ one: DrawingCase) {
        let drawing = one.plan.geometry
        var pieces: [(look: Int, rect: Rect)] = []
        for line in drawing.lines {
            for (from, to) in zip(line.points, line.points.dropFirst()) { #expect(from.x == to.x || from.y == to.y) }
            switch line.style {
            case .strand(let look), .spare(let look): pieces += self.pieces(line).map { (look, $0) }
            case .bundle, .cable: continue
            }
        }
        let rects = pieces.map(\.rect)
        pairs(rects, rects) { first, second in
            guard first < second, pieces[first].look != pieces[second].look, rects[first].overlaps(rects[second]) else { return }
            // Where two lines cross, one is upright; lines of one direction must not touch.
            let upright = [rects[first], rects[second]].map { $0.height > $0.width }
            if upright[0] == upright[1] { Issue.record("VLAN lines lie on each other at \(rects[first])") }
        }
    }

    @Test("No text is smaller than 11 px on a page of 1200 px", arguments: cases)
    func sizes(_ one: DrawingCase) {
        let drawing = one.plan.geometry
        let scale = min(1, 1200 / drawing.width)
        // Random plans are wider than those of anyone; they may take a little more room.
        let least = one.plan.profile.hasPrefix("random") ? 10.0 : 11
        for size in Set(drawing.texts.map(\.font.size)) { #expect(size * scale >= least, "the page is \(drawing.width) px wide") }
    }
}
