import LabEvents
import Testing

@testable import NetworkProfiles

@Suite("Drawings are complete", .tier(.unit))
struct DrawingContentTests {
    @Test("Everything of the plan is said", arguments: DrawingGeometryTests.cases)
    func everything(_ one: DrawingCase) {
        let plan = one.plan
        let drawing = plan.geometry
        let texts = drawing.texts.map(\.string)
        let words = Set(texts.flatMap { $0.split { " ,\u{A0}".contains($0) }.map(String.init) })
        for segment in plan.segments {
            #expect(words.contains(segment.name))
            for port in segment.ports { #expect(words.contains("\(port.number)")) }
        }
        // Each port has its own box.
        let ports = plan.segments.flatMap(\.ports).map { "\($0.number)" }
        for number in Set(ports) { #expect(texts.count { $0 == number } >= ports.count { $0 == number }, "port \(number)") }
        for node in plan.nodes {
            #expect(words.contains(node.name))
            for link in node.links {
                #expect(words.contains(link.name), "\(node.name) \(link.name)")
                for address in link.addresses { #expect(words.contains(address.description)) }
                if link.mtu != 1500 { #expect(texts.contains { $0.contains("MTU \(link.mtu)") }) }
                if case .vlan(let id, _) = link.kind { #expect(texts.contains("VLAN \(id)")) }
            }
        }
        for trunk in plan.trunks { #expect(words.contains(trunk.name)) }
        for network in plan.networks {
            for prefix in [network.ipv4, network.ipv6].compactMap(\.self) { #expect(words.contains(prefix.description)) }
        }
        for vlan in VLANLooks(plan).all where vlan != 0 && !drawing.dots.isEmpty { #expect(words.contains("\(vlan)")) }
        if let failure = plan.expectedFailure {
            #expect(texts.joined(separator: " ").contains(failure.reason.prefix(20)))
            for network in failure.unreachable { #expect(texts.contains { $0.contains("Meant to fail") && $0.contains(network) }) }
        }
        // Lines are broken at different places.
        let whole = texts.joined(separator: " ")
        for impairment in plan.impairments { #expect(whole.contains(impairment.words), "\(impairment.link)") }
    }

    @Test("Every port of a switch joins every VLAN that it carries", arguments: DrawingGeometryTests.cases)
    func dots(_ one: DrawingCase) {
        let drawing = one.plan.geometry
        // Where VLANs have no lines, nothing is joined by dots.
        guard !drawing.dots.isEmpty else { return }
        let straight = arrangement(one.plan).straight.map { one.plan.trunks[$0.trunk].vlans.vlans.count }.reduce(0, +)
        let carried = one.plan.segments.flatMap(\.ports).map { $0.vlans.vlans.count }.reduce(0, +)
        // A trunk that goes straight on has no dots: its lines are the switch's own.
        #expect(drawing.dots.count == carried - 2 * straight)
    }

    @Test("What a port carries for nobody is thin")
    func spare() {
        var plan = DrawingCase.vlans.plan
        #expect(plan.geometry.dots.allSatisfy { !$0.isSpare })
        plan.nodes[1].links.removeAll { $0.name == "eth1.100" }
        let drawing = plan.geometry
        #expect(drawing.dots.filter(\.isSpare).map(\.vlan) == [VLANLooks(plan).place(100)])
        #expect(drawing.texts.contains { $0.string.contains("thin") })
    }

    @Test(
        "A link aggregation joins all legs of its bond to one port; the other ports are empty",
        arguments: [DrawingCase.lacp, .aggregated(2), .aggregated(30)] + DrawingCase.shipped.filter { $0.plan.profile == "lacp-vlans" })
    func aggregations(_ one: DrawingCase) {
        let drawing = one.plan.geometry
        let boxes = drawing.parts.filter { $0.tip?.hasPrefix("link aggregation at") ?? false }.map(\.rect)
        let bonds = one.plan.nodes.flatMap(\.aggregations)
        #expect(boxes.count == bonds.count && drawing.texts.count { $0.string == "LAG" } == bonds.count)
        let spare = bonds.map { $0.legs.count - 1 }.reduce(0, +)
        #expect(drawing.texts.count { $0.string == "empty" } == spare)
        let ends = drawing.cables.map { ($0.points[0], $0.points[1]) }
        for (box, bond) in zip(boxes, bonds) {
            func touches(_ point: Point, _ x: Double) -> Bool { point.x == x && box.y < point.y && point.y < box.maxY }
            // The switch is on the left.
            #expect(ends.count { touches($0.1, box.x) } == 1)
            #expect(ends.count { touches($0.0, box.maxX) } == bond.legs.count)
        }
        // From each port that is not empty goes one cable.
        guard let edge = drawing.surfaces.first(where: { $0.style == .chassis })?.rect.maxX else { return }
        #expect(ends.count { $0.0.x == edge } == one.plan.segments.flatMap(\.ports).count - spare)
    }

    @Test("Interfaces that reach nobody are marked, others are not")
    func alone() {
        let broken = DrawingCase.broken.plan
        #expect(broken.geometry.texts.count { $0.string == DrawingMeasures.alone } == 8)
        #expect(broken.aloneInterfaces.contains("server-2.eth1.201"))
        for one in [DrawingCase.vlans, .plain(4), .bonds(two: true), .chain] { #expect(one.plan.aloneInterfaces.isEmpty) }
        var cut = DrawingCase.bonds(two: true).plan
        cut.trunks = []
        #expect(cut.aloneInterfaces.isEmpty)
    }

    private func arrangement(_ plan: NetworkPlan) -> DrawingArrangement { DrawingArrangement(plan, looks: VLANLooks(plan)) }

    @Test("Nodes of two switches stand between them, and a trunk goes straight across")
    func sides() {
        let two = arrangement(DrawingCase.bonds(two: true).plan)
        #expect(
            two.blocks == [
                .init(left: "lan-a", right: "lan-b", strips: [.across(0), .node(0), .node(1), .node(2), .node(3)])
            ])
        let chain = arrangement(DrawingCase.chain.plan)
        #expect(chain.blocks.map(\.left) == ["floor-1", "floor-2", "floor-3", "floor-4", "floor-5"])
        #expect(chain.straight.count == 4 && chain.marginal.isEmpty)
        #expect(arrangement(DrawingCase.star.plan).marginal.count == 2)
    }

    @Test("The document is well-formed, the same each time, and asks for nothing else", arguments: DrawingGeometryTests.cases)
    func document(_ one: DrawingCase) {
        let svg = one.plan.drawing()
        #expect(svg == one.plan.drawing())
        #expect(XMLBalance(svg).fault == nil)
        for foreign in ["<script", "<image", "url(", "@import", "href", "<foreignObject"] { #expect(!svg.contains(foreign)) }
        #expect(svg.contains("@media screen and (prefers-color-scheme:dark)"))
        #expect(svg.contains("<title id=\"t\">") && svg.contains("<desc id=\"d\">"))
    }

    @Test("The profiles that come with vmlab are among the cases")
    func shipped() { #expect(DrawingCase.shipped.count == 8) }

    @Test("Text is text, whatever is in it")
    func markup() {
        #expect(SVGText.escaped("<a b=\"c\">&\u{1}\n") == "&lt;a b=&quot;c&quot;&gt;&amp;\u{FFFD} ")
        #expect(DrawingCase.odd.plan.drawing().contains("a&lt;b&gt;&amp;&quot;c&quot;"))
        #expect([0, 0.04, -0.05, 12.25, -3.5, 7].map(SVGText.number) == ["0", "0", "-0.1", "12.3", "-3.5", "7"])
    }

    @Test("Five hundred nodes have a line each")
    func big() {
        let drawing = DrawingCase.big(nodes: 500, switches: 20, bonds: false).plan.geometry
        #expect(drawing.width <= 1200)
        #expect(drawing.height < 500 * 40)
        #expect(drawing.surfaces.count { $0.style == .node } == 500)
        #expect(drawing.surfaces.count { $0.style == .chassis } == 20)
    }

    @Test("Every VLAN look has a line of its own, and enough contrast")
    func looks() {
        #expect(Set(SVGStyle.looks.map(\.dashes)).count == SVGStyle.looks.count)
        for look in SVGStyle.looks {
            for background in ["#ffffff", "#e9edf1"] { #expect(contrast(look.light, background) >= 3, "\(look.light)") }
            for background in ["#0f1419", "#242d36"] { #expect(contrast(look.dark, background) >= 3, "\(look.dark)") }
        }
    }

    /// The contrast ratio of two colours (WCAG 2.2), with a gamma of 2.2 for the exact curve.
    private func contrast(_ one: String, _ other: String) -> Double {
        let both = [one, other].map { colour in
            let value = Int(colour.dropFirst(), radix: 16) ?? 0
            let weights = [(16, 0.2126), (8, 0.7152), (0, 0.0722)]
            return weights.reduce(0) { sum, part in
                let channel = Double((value >> part.0) & 0xFF) / 255
                return sum + part.1 * (channel <= 0.04 ? channel / 12.92 : pow22(channel))
            }
        }
        return ((both.max() ?? 0) + 0.05) / ((both.min() ?? 0) + 0.05)
    }

    /// About `value` to the power of 2.2: its square times its fifth root.
    private func pow22(_ value: Double) -> Double {
        var root = value
        for _ in 0..<40 { root -= (root * root * root * root * root - value) / (5 * root * root * root * root) }
        return value * value * root
    }
}
