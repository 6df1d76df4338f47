/// A drawing as geometry: what tests look at, and what ``SVGText`` writes. Later parts of a kind lie over earlier ones; the kinds lie over each other in
/// the order of the properties.
struct PlanDrawing {
    /// A rectangle.
    struct Box {
        /// What it stands for, which decides how it looks.
        enum Style: String {
            /// A switch.
            case chassis
            /// A node.
            case node
            /// A node that serves others.
            case service
            /// A port, a network card or a bond: lines end at it.
            case part
            /// The number of a VLAN.
            case chip
            /// A warning.
            case warning
        }

        var rect: Rect
        var style: Style
        /// The look of the VLAN that it shows.
        var vlan: Int?
        /// More about it, for who points at it.
        var tip: String?
    }

    /// A line through points.
    struct Line {
        /// What it stands for.
        enum Style: Equatable {
            /// A cable of a width, around its strands; one whose frames are impaired is dashed.
            case cable(width: Double, impaired: Bool)
            /// One VLAN, by its look.
            case strand(Int)
            /// One VLAN that a port carries and its node has no interface for, by its look.
            case spare(Int)
            /// Too many VLANs to show one by one.
            case bundle
        }

        var points: [Point]
        var style: Style
    }

    /// The place where a port joins a VLAN.
    struct Dot {
        var center: Point
        var vlan: Int
        /// Whether the port carries the VLAN for nobody.
        var isSpare: Bool
    }

    /// One line of text.
    struct Text {
        /// The font.
        struct Font: Equatable {
            var size: Double
            var mono = false
            var bold = false

            static let title = Font(size: 22, bold: true)
            static let name = Font(size: 15, mono: true, bold: true)
            static let value = Font(size: 13.5, mono: true)
            static let code = Font(size: 12.5, mono: true)
            static let label = Font(size: 12.5)
            static let strong = Font(size: 12.5, bold: true)

            /// The width of text.
            func width(_ text: String) -> Double { TextMetrics.width(text, size: size, mono: mono, bold: bold) }
        }

        /// How it is meant.
        enum Tone: String {
            case ink
            case soft
            case alert
        }

        /// Which of its places is the given one.
        enum Anchor: String {
            case start
            case middle
            case end
        }

        var string: String
        /// The place of the anchor, in the middle of the height of capitals.
        var place: Point
        var font: Font
        var tone: Tone
        var anchor: Anchor

        /// The baseline.
        var baseline: Double { place.y + font.size * 0.36 }

        /// What it covers at most.
        var rect: Rect {
            let width = font.width(string)
            let x = anchor == .start ? place.x : anchor == .middle ? place.x - width / 2 : place.x - width
            return Rect(x: x, y: place.y - font.size * 0.45, width: width, height: font.size * 1.05)
        }
    }

    var title: String
    var summary: String
    var width = 0.0
    var height = 0.0
    var cables: [Line] = []
    var surfaces: [Box] = []
    var lines: [Line] = []
    var parts: [Box] = []
    var dots: [Dot] = []
    var texts: [Text] = []

    /// Adds a line of text.
    mutating func text(
        _ string: String, at x: Double, _ y: Double, _ font: Text.Font = .label, tone: Text.Tone = .ink, anchor: Text.Anchor = .start
    ) {
        guard !string.isEmpty else { return }
        texts.append(Text(string: string, place: Point(x: x, y: y), font: font, tone: tone, anchor: anchor))
    }

    /// Adds a part with its text in the middle.
    mutating func part(
        _ string: String, in rect: Rect, _ font: Text.Font = .code, style: Box.Style = .part, vlan: Int? = nil, tip: String? = nil
    ) {
        parts.append(Box(rect: rect, style: style, vlan: vlan, tip: tip))
        text(string, at: rect.midX, rect.midY, font, anchor: .middle)
    }

    /// Adds the VLANs of a cable as lines next to each other, and the cable around them.
    mutating func cable(from start: Point, to end: Point, strands: StrandBundle, impaired: Bool = false) {
        cables.append(Line(points: [start, end], style: .cable(width: strands.height, impaired: impaired)))
        for (offset, style) in strands.lines {
            lines.append(Line(points: [Point(x: start.x, y: start.y + offset), Point(x: end.x, y: end.y + offset)], style: style))
        }
    }
}
