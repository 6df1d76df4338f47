/// Which switch stands where, and which node beside it. One block is a switch, or two with the nodes that hang on both in between, so that no cable
/// crosses another.
struct DrawingArrangement {
    /// A side of a block.
    enum Side { case left, right }

    /// What takes height in a block, from top to bottom.
    enum Strip: Equatable {
        /// A node, by its place in the plan.
        case node(Int)
        /// The trunk between the two switches of the block, by its place in the plan.
        case across(Int)
        /// A port whose cable is not drawn: it names its far end.
        case reference(PortReference)
        /// The end of a trunk that runs along the left margin, by its place in the plan.
        case margin(trunk: Int, segment: String)
    }

    /// A switch or two, and what hangs on them.
    struct Block: Equatable {
        var left: String?
        var right: String?
        var strips: [Strip] = []

        func side(of segment: String) -> Side? { segment == left ? .left : segment == right ? .right : nil }
    }

    /// From top to bottom.
    var blocks: [Block]
    /// Trunks from the lower edge of a switch to the upper edge of the next one in its column, with the block of the upper.
    var straight: [(trunk: Int, block: Int, side: Side)] = []
    /// Trunks along the left margin, with the blocks they join, upper first, and the track that they run on: 0 is next to the switches.
    var marginal: [(trunk: Int, upper: Int, lower: Int, track: Int)] = []

    /// The most tracks in the left margin.
    static let trackLimit = 10

    init(_ plan: NetworkPlan, looks: VLANLooks) {
        blocks = Self.order(Self.blocks(plan), plan)
        placeTrunks(plan, canRun: looks.hasRails)
        placeNodes(plan)
    }

    /// Switches in pairs, those with the most common nodes first.
    private static func blocks(_ plan: NetworkPlan) -> [Block] {
        let places = Dictionary(plan.segments.enumerated().map { ($1.name, $0) }) { first, _ in first }
        var shared: [[Int]: Int] = [:]
        for node in plan.nodes {
            let used = Set(node.cards.compactMap { places[$0.card.port.segment] }).sorted()
            for (index, one) in used.enumerated() { for other in used[(index + 1)...] { shared[[one, other], default: 0] += 1 } }
        }
        var partner: [Int: Int] = [:]
        let pairs = shared.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key) }
        for pair in pairs.map(\.key) where partner[pair[0]] == nil && partner[pair[1]] == nil {
            partner[pair[0]] = pair[1]
            partner[pair[1]] = pair[0]
        }
        return plan.segments.enumerated().compactMap { index, segment in
            guard let other = partner[index] else { return Block(left: segment.name) }
            return other > index ? Block(left: segment.name, right: plan.segments[other].name) : nil
        }
    }

    /// Blocks along the trunks, so that what is joined stands near.
    private static func order(_ blocks: [Block], _ plan: NetworkPlan) -> [Block] {
        let home = homes(blocks)
        var neighbours: [Int: [Int]] = [:]
        for trunk in plan.trunks {
            guard let one = home[trunk.first.segment], let other = home[trunk.second.segment], one != other else { continue }
            neighbours[one, default: []].append(other)
            neighbours[other, default: []].append(one)
        }
        var order: [Int] = []
        var seen: Set<Int> = []
        for start in blocks.indices {
            var stack = [start]
            while let next = stack.popLast() {
                guard seen.insert(next).inserted else { continue }
                order.append(next)
                stack += (neighbours[next] ?? []).sorted(by: >)
            }
        }
        return order.map { blocks[$0] }
    }

    /// The block of each switch.
    private static func homes(_ blocks: [Block]) -> [String: Int] {
        var homes: [String: Int] = [:]
        for (index, block) in blocks.enumerated() { for name in [block.left, block.right].compactMap(\.self) { homes[name] = index } }
        return homes
    }

    /// - Parameter canRun: whether trunks may run along switches; without VLAN lines to go on with, both ends name the other.
    private mutating func placeTrunks(_ plan: NetworkPlan, canRun: Bool) {
        let home = Self.homes(blocks)
        var joined: Set<Int> = []
        var spans: [(trunk: Int, upper: Int, lower: Int)] = []
        var spare: [Int] = []
        for (index, trunk) in plan.trunks.enumerated() {
            guard let one = home[trunk.first.segment], let other = home[trunk.second.segment] else { continue }
            let (upper, lower) = (min(one, other), max(one, other))
            let sides = [trunk.first.segment, trunk.second.segment].map { blocks[home[$0] ?? 0].side(of: $0) }
            if upper == lower {
                // Placed with the nodes.
            } else if sides[0] == sides[1], lower == upper + 1, canRun, joined.insert(upper * 2 + (sides[0] == .left ? 0 : 1)).inserted {
                straight.append((index, upper, sides[0] ?? .left))
            } else if sides == [.left, .left], canRun {
                spans.append((index, upper, lower))
            } else {
                spare.append(index)
            }
        }
        // The longest of those that start together starts first and runs outermost, so that tracks cross no ends of others.
        var ends: [Int] = []
        for span in spans.sorted(by: { ($0.lower - $0.upper, $0.trunk) < ($1.lower - $1.upper, $1.trunk) }) {
            let beside = marginal.filter { $0.upper < span.lower && span.upper < $0.lower }
            let track = (beside.map(\.track).max() ?? -1) + 1
            if track < Self.trackLimit { marginal.append((span.trunk, span.upper, span.lower, track)) } else { ends.append(span.trunk) }
        }
        for (index, block) in blocks.enumerated() {
            guard let left = block.left else { continue }
            let up = marginal.filter { $0.lower == index }.sorted { $0.track < $1.track }
            let down = marginal.filter { $0.upper == index }.sorted { $0.track > $1.track }
            blocks[index].strips += (up + down).map { .margin(trunk: $0.trunk, segment: left) }
        }
        for trunk in (spare + ends).sorted().map({ plan.trunks[$0] }) {
            for end in [trunk.first, trunk.second] { blocks[home[end.segment] ?? 0].strips.append(.reference(end)) }
        }
    }

    /// Nodes of the left switch alone, then what hangs on both, then nodes of the right one alone.
    private mutating func placeNodes(_ plan: NetworkPlan) {
        let home = Self.homes(blocks)
        var groups = [[[Strip]]](repeating: [[], [], []], count: blocks.count)
        var loose: [Strip] = []
        var references: [Int: [Strip]] = [:]
        for (index, trunk) in plan.trunks.enumerated() {
            guard let block = home[trunk.first.segment], block == home[trunk.second.segment] else { continue }
            groups[block][1].append(.across(index))
        }
        for (index, node) in plan.nodes.enumerated() {
            guard let block = node.cards.compactMap({ home[$0.card.port.segment] }).first else {
                loose.append(.node(index))
                continue
            }
            let sides = node.cards.compactMap { blocks[block].side(of: $0.card.port.segment) }
            groups[block][sides.contains(.left) ? (sides.contains(.right) ? 1 : 0) : 2].append(.node(index))
            for card in node.cards {
                guard let other = home[card.card.port.segment], other != block else { continue }
                references[other, default: []].append(.reference(card.card.port))
            }
        }
        for index in blocks.indices {
            // What names the left switch must stand where the left switch stands.
            let named = blocks[index].strips + (references[index] ?? [])
            let onRight = named.filter { if case .reference(let port) = $0 { port.segment == blocks[index].right } else { false } }
            let onLeft = named.filter { !onRight.contains($0) }
            blocks[index].strips = onLeft + groups[index][0] + groups[index][1] + groups[index][2] + onRight
        }
        if !loose.isEmpty { blocks.append(Block(strips: loose)) }
    }
}
