import Foundation
import LabEvents
import NetworkProfiles
import Testing

@Suite("Random profiles", .tier(.unit))
struct RandomProfileTests {
    private static let cases = min(2000, ProcessInfo.processInfo.environment["VMLAB_FUZZ_CASES"].flatMap(Int.init) ?? 200)

    @Test("Good ones read as they were written and plan without conflict, and nodes reach each other as was meant")
    func good() throws {
        var (seed, generator) = SeededGenerator.ofRun
        for number in 0..<Self.cases {
            let random = RandomProfile(using: &generator)
            let text = ProfileText(random.profile).text
            do {
                let profile = try NetworkProfile.parse(text, file: "random.yaml")
                try #require(profile == random.profile, "case \(number) of seed \(seed):\n\(text)")
                let plan = try profile.plan(lab: "lab")
                try check(plan, random)
            } catch {
                Issue.record("case \(number) of seed \(seed): \(error)\n\(text)")
                return
            }
        }
    }

    /// Looks at the plan's numbers alone, with nothing of the planner.
    private func check(_ plan: NetworkPlan, _ random: RandomProfile) throws {
        try #require(plan.nodes.map(\.name) == random.profile.nodeNames)
        var macs: Set<String> = []
        var ports: Set<String> = []
        var addresses: Set<String> = []
        for node in plan.nodes {
            for link in node.links {
                for address in link.addresses { try #require(addresses.insert(address.address).inserted, "\(address)") }
                guard case .card(let card) = link.kind else { continue }
                try #require(macs.insert("\(link.mac)").inserted, "\(link.mac)")
                try #require(ports.insert("\(card.port)").inserted, "\(card.port)")
            }
        }
        for trunk in plan.trunks {
            for end in [trunk.first, trunk.second] { try #require(ports.insert("\(end)").inserted, "\(end)") }
        }
        let listed = plan.segments.flatMap { segment in segment.ports.map { "\(segment.name) \($0.number)" } }
        try #require(Set(listed) == ports && listed.count == ports.count)
        let pairs = plan.pairs
        try #require(pairs.count == plan.networks.count * plan.nodes.count * (plan.nodes.count - 1))
        for pair in pairs { try #require(pair.isConnected != random.severed.contains(pair.network), "\(pair)") }
    }

    @Test("A mistake in a good one is found by its name", arguments: ProfileMutation.all.indices)
    func mutated(_ index: Int) throws {
        let mutation = ProfileMutation.all[index]
        var (seed, generator) = SeededGenerator.ofRun
        var made = 0
        for number in 0..<Self.cases where made < max(10, Self.cases / ProfileMutation.all.count) {
            var profile = RandomProfile(using: &generator).profile
            guard let name = mutation.apply(&profile, &generator) else { continue }
            made += 1
            let text = ProfileText(profile).text
            for problems in [profile.problems(), Self.problems(text)] {
                guard problems.contains(where: { "\($0)".contains(name) }) else {
                    Issue.record("\(mutation.title), case \(number) of seed \(seed): no problem with '\(name)': \(problems)\n\(text)")
                    return
                }
            }
        }
        #expect(made >= 10, "\(mutation.title): too few profiles to make it in")
    }

    static func problems(_ text: String) -> [Problem] {
        do { return try NetworkProfile.parse(text, file: "random.yaml").problems() } catch { return error.problems }
    }

    @Test("Whatever bytes a file has, it is read or refused with reasons")
    func fuzz() throws {
        let cases = ProcessInfo.processInfo.environment["VMLAB_FUZZ_CASES"].flatMap(Int.init) ?? 400
        var (seed, generator) = SeededGenerator.ofRun
        let texts = try shipped.names.map { try String(contentsOfFile: "\(packageFolder)/profiles/\($0).yaml", encoding: .utf8) }
        let words = [
            "", "{}", "[]", "null", "-1", "0", "4094", "99999999999999999999", "1-4", "4-1", "1-999999999", "true", "&a x", "*a", "!!int x",
            "\"", "{", "eth1",
            "lan", "cluster", "\u{0}", "é", "..", ".inf", "802.3ad", "| x", "::/0", "0.0.0.0/0", "255.255.255.255/32",
        ]
        for number in 0..<cases {
            let text = Self.damaged(texts.randomElement(using: &generator) ?? "", words, using: &generator)
            do {
                let profile = try NetworkProfile.parse(text, file: "simple.yaml")
                _ = try profile.plan(lab: "fuzz")
            } catch let error as ProfileError {
                let isExplained = !error.problems.isEmpty && error.problems.allSatisfy { $0.location?.hasPrefix("simple.yaml") == true }
                if !isExplained { Issue.record("case \(number) of seed \(seed): \(error)\n\(text)") }
            } catch {
                Issue.record("case \(number) of seed \(seed): accepted, and not planned: \(error)\n\(text)")
            }
        }
    }

    private static func damaged(_ text: String, _ words: [String], using generator: inout SeededGenerator) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).filter { !$0.hasPrefix("#") }
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let line = Int.random(in: lines.indices, using: &generator)
            let word = words.randomElement(using: &generator) ?? ""
            switch Int.random(in: 0...6, using: &generator) {
            case 0: if lines.count > 1 { lines.remove(at: line) }
            case 1: lines.insert(lines[line], at: line)
            case 2: lines.swapAt(line, Int.random(in: lines.indices, using: &generator))
            case 3: lines[line] = "\(lines[line].prefix { $0 != ":" }): \(word)"
            case 4:
                let values = lines[line].split(separator: " ", omittingEmptySubsequences: false)
                let place = Int.random(in: 0..<max(1, values.count), using: &generator)
                lines[line] = values.enumerated().map { $0.offset == place ? word : String($0.element) }.joined(separator: " ")
            case 5: lines.insert(word, at: line)
            default:
                var bytes = Array(lines[line].utf8)
                if let place = bytes.indices.randomElement(using: &generator) {
                    bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                }
                lines[line] = String(decoding: bytes, as: UTF8.self)
            }
        }
        return lines.joined(separator: "\n")
    }
}
