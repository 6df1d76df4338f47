/// A drawing as SVG 1.1 with CSS, complete in itself: no script, no font, no other file.
struct SVGText {
    private var text = ""

    /// The document.
    static func document(_ drawing: PlanDrawing) -> String {
        var svg = SVGText()
        svg.write(drawing)
        return svg.text
    }

    private mutating func line(_ line: String) { text += line + "\n" }

    private mutating func write(_ drawing: PlanDrawing) {
        let (width, height) = (Self.number(drawing.width.rounded(.up)), Self.number(drawing.height.rounded(.up)))
        line(#"<?xml version="1.0" encoding="UTF-8"?>"#)
        line(
            #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(width)" height="\#(height)" viewBox="0 0 \#(width) \#(height)" role="img" aria-labelledby="t d">"#
        )
        line("<title id=\"t\">\(Self.escaped(drawing.title))</title>")
        line("<desc id=\"d\">\(Self.escaped(drawing.summary))</desc>")
        line("<style>\n\(SVGStyle.sheet)</style>")
        line(#"<rect class="page" width="\#(width)" height="\#(height)"/>"#)
        for box in drawing.surfaces { write(box, radius: 8) }
        for cable in drawing.cables { write(cable) }
        for one in drawing.lines { write(one) }
        for box in drawing.parts { write(box, radius: 3) }
        for dot in drawing.dots {
            line(
                #"<circle class="f\#(dot.vlan % SVGStyle.looks.count)" cx="\#(Self.number(dot.center.x))" cy="\#(Self.number(dot.center.y))" r="\#(dot.isSpare ? "2.5" : "4.5")"/>"#
            )
        }
        for one in drawing.texts { write(one) }
        line("</svg>")
    }

    private mutating func write(_ box: PlanDrawing.Box, radius: Double) {
        let rect = box.rect
        let look = box.vlan.map { " l\($0 % SVGStyle.looks.count)" } ?? ""
        let shape =
            #"<rect class="\#(box.style.rawValue)\#(look)" x="\#(Self.number(rect.x))" y="\#(Self.number(rect.y))" width="\#(Self.number(rect.width))""#
            + #" height="\#(Self.number(rect.height))" rx="\#(Self.number(radius))""#
        line(box.tip.map { "\(shape)><title>\(Self.escaped($0))</title></rect>" } ?? "\(shape)/>")
    }

    private mutating func write(_ one: PlanDrawing.Line) {
        switch one.style {
        case .cable(let width, let impaired):
            let points = Self.path(one.points)
            line(#"<path class="edge\#(impaired ? " bad" : "")" stroke-width="\#(Self.number(width + 2))" d="\#(points)"/>"#)
            line(#"<path class="cable" stroke-width="\#(Self.number(width))" d="\#(points)"/>"#)
        case .strand(let look): line(#"<path class="s l\#(look % SVGStyle.looks.count)" d="\#(Self.path(one.points))"/>"#)
        case .spare(let look): line(#"<path class="s t l\#(look % SVGStyle.looks.count)" d="\#(Self.path(one.points))"/>"#)
        case .bundle: line(#"<path class="s all" d="\#(Self.path(one.points))"/>"#)
        }
    }

    private mutating func write(_ one: PlanDrawing.Text) {
        let font = (one.font.mono ? " m" : "") + (one.font.bold ? " b" : "")
        let anchor = one.anchor == .start ? "" : #" text-anchor="\#(one.anchor.rawValue)""#
        line(
            #"<text class="\#(one.tone.rawValue)\#(font)" x="\#(Self.number(one.place.x))" y="\#(Self.number(one.baseline))""#
                + #" font-size="\#(Self.number(one.font.size))"\#(anchor)>\#(Self.escaped(one.string))</text>"#)
    }

    /// A path with rounded corners.
    private static func path(_ points: [Point]) -> String {
        var path = ""
        for (index, point) in points.enumerated() {
            guard index > 0, index < points.count - 1 else {
                path += "\(index == 0 ? "M" : "L")\(number(point.x)) \(number(point.y))"
                continue
            }
            let (before, after) = (points[index - 1], points[index + 1])
            let radius = min(5, length(before, point) / 2, length(point, after) / 2)
            let (from, to) = (toward(before, from: point, by: radius), toward(after, from: point, by: radius))
            path += "L\(number(from.x)) \(number(from.y))Q\(number(point.x)) \(number(point.y)) \(number(to.x)) \(number(to.y))"
        }
        return path
    }

    private static func length(_ one: Point, _ other: Point) -> Double { abs(one.x - other.x) + abs(one.y - other.y) }

    private static func toward(_ target: Point, from point: Point, by distance: Double) -> Point {
        let length = length(point, target)
        guard length > 0 else { return point }
        return Point(x: point.x + (target.x - point.x) / length * distance, y: point.y + (target.y - point.y) / length * distance)
    }

    /// A number with at most one digit after the point.
    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        let digit = abs(tenths) % 10
        return "\(sign)\(abs(tenths) / 10)" + (digit == 0 ? "" : ".\(digit)")
    }

    /// Text for XML. What XML 1.0 cannot say at all becomes U+FFFD.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\t", "\n", "\r": escaped += " "
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
