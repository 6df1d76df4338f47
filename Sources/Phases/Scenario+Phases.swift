import LabEvents
import NetworkProfiles
public import VMLab

extension Scenario {
    /// How many nodes of the cluster a scenario has.
    public struct Size: Sendable, ExpressibleByIntegerLiteral {
        let range: ClosedRange<Int>
        let usual: Int
        /// How many of each role, for a cluster.
        var cluster: Cluster?

        struct Cluster: Sendable {
            var servers: ClosedRange<Int>
            var agents: ClosedRange<Int>
            var usual: ClusterSize
        }

        /// Always so many; `--nodes` is refused.
        public init(integerLiteral count: Int) { (range, usual) = (count...count, count) }
        private init(_ range: ClosedRange<Int>, usual: Int) { (self.range, self.usual) = (range, usual) }

        /// As many as `--nodes` says.
        ///
        /// - Parameters:
        ///   - range: what is acceptable.
        ///   - usual: how many without `--nodes`.
        public static func any(_ range: ClosedRange<Int> = 1...Topology.nodeLimit, usual: Int) -> Size { Size(range, usual: usual) }

        /// Servers and agents, as many as `--topology` says: nodes of these roles of the profile, which gets more of them where it has too few.
        ///
        /// - Parameters:
        ///   - servers: how many servers are acceptable.
        ///   - agents: how many agents are.
        ///   - usual: how many there are without `--topology`.
        public static func cluster(
            servers: ClosedRange<Int> = 1...5, agents: ClosedRange<Int> = 0...16, usual: ClusterSize
        ) -> Size {
            var size = Size(1...(servers.upperBound + agents.upperBound), usual: usual.servers + usual.agents)
            size.cluster = Cluster(servers: servers, agents: agents, usual: usual)
            return size
        }

        /// The nodes that are wanted, and the profile that has them.
        func nodes(_ scenario: String, _ wishes: Wishes, _ network: NetworkNeed) throws(Problem) -> (names: [String], NetworkProfile) {
            guard let cluster else {
                if let topology = wishes.topology {
                    throw Problem(
                        .invalidInput, "--topology \(topology) is not acceptable for '\(scenario)'", why: "it has no cluster",
                        remedy: "--nodes says how many nodes")
                }
                let count = try count(scenario, wishes.nodes)
                let profile = try network.profile(scenario: scenario, wishes, count: count)
                return (try profile.firstNames(count), profile)
            }
            if let nodes = wishes.nodes {
                throw Problem(
                    .invalidInput, "--nodes \(nodes) is not acceptable for '\(scenario)'", why: "it has a cluster",
                    remedy: "say how many servers and agents: --topology 2+1")
            }
            let size = wishes.topology ?? cluster.usual
            guard cluster.servers.contains(size.servers), cluster.agents.contains(size.agents) else {
                throw Problem(
                    .invalidInput, "--topology \(size) is not acceptable for '\(scenario)'",
                    why:
                        "\(cluster.servers.lowerBound) to \(cluster.servers.upperBound) servers and \(cluster.agents.lowerBound) to \(cluster.agents.upperBound) agents fit"
                )
            }
            let profile = try network.profile(scenario: scenario, wishes, count: size.servers + size.agents).widened(size.roles)
            return (profile.nodeNames(size.roles), profile)
        }

        func count(_ scenario: String, _ wish: Int?) throws(Problem) -> Int {
            guard let wish else { return usual }
            guard range.contains(wish) else {
                let why = range.count == 1 ? "it has \(usual)" : "\(range.lowerBound) to \(range.upperBound) nodes fit"
                throw Problem(.invalidInput, "--nodes \(wish) is not acceptable for '\(scenario)'", why: why)
            }
            return wish
        }
    }

    /// A scenario from its phases.
    ///
    /// - Parameters:
    ///   - name: what the command line calls it: letters, digits and `-`.
    ///   - intent: what it is to show, in a sentence or two.
    ///   - network: what its nodes are on.
    ///   - nodes: how many nodes of the cluster: the first ones of the profile.
    ///   - image: what they boot: the name of an image description, or the path of a disk image.
    ///   - images: what a node or a role boots instead, by its name.
    ///   - cables: whether every network card is to have a cable, which the faults `partition`, `isolate`, `impair` and a switch's crash need.
    ///   - tags: words by which it is chosen.
    ///   - budgets: time limits that take the place of those of the same names, such as `Budget("boot", .seconds(300))`; one called `scenario` limits the
    ///     whole.
    ///   - phases: what is done.
    public init(
        _ name: String, intent: String, network: NetworkNeed = .any, nodes: Size, image: String = "mini", images: [String: String] = [:],
        cables: Bool = false, tags: Set<String> = [], budgets: [Budget] = [], @PhaseBuilder phases: () -> [Phase]
    ) {
        let all = phases()
        let (main, last) = (all.filter { !$0.isAlways }, all.filter(\.isAlways))
        self.init(
            name: name, intent: intent, tags: tags, budgets: budgets, outline: (main + last).outline(),
            topology: { wishes throws(Problem) in
                try (main + last).check(scenario: name)
                let (names, profile) = try nodes.nodes(name, wishes, network)
                return try wishes.topology(scenario: name, nodes: names, on: profile, cables: cables ? "the scenario's faults" : nil) {
                    images[$0.name] ?? images[$0.role] ?? image
                }
            },
            execute: { lab, session in
                let tally = await PhaseRunner(lab: lab, session: session).run(main)
                if let failure = tally.failure { throw failure }
                try Task.checkCancellation()
                guard tally.executed > 0 || session.isOnly(among: last) else {
                    throw Problem(
                        .failure, "nothing was executed", why: "every phase of '\(name)' was left out",
                        remedy: "the lines of the phases say why; another --profile may have what they need")
                }
            },
            conclude: { lab, session in
                // Each of them, whatever became of the one before.
                var failure: (any Error)?
                for phase in last {
                    let tally = await PhaseRunner(lab: lab, session: session).run([phase])
                    failure = failure ?? tally.failure
                }
                if let failure { throw failure }
            })
    }
}

extension PhaseSession {
    /// Whether one of these phases alone was asked for.
    fileprivate func isOnly(among phases: [Phase]) -> Bool {
        guard let only = request.only else { return false }
        return phases.contains { only == $0.name || only.hasPrefix($0.name + "/") }
    }
}

extension [Phase] {
    fileprivate func outline(in parent: String = "") -> [PhaseOutline] {
        map { phase in
            let path = parent.isEmpty ? phase.name : "\(parent)/\(phase.name)"
            return PhaseOutline(
                path: path, phases: phase.phases.outline(in: path), isOptional: phase.isOptional, isAlways: phase.isAlways,
                file: phase.file,
                line: phase.line)
        }
    }

    /// Checks what the compiler cannot.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` with the source line.
    fileprivate func check(scenario: String, in parent: String = "") throws(Problem) {
        var seen: Set<String> = []
        for phase in self {
            func refuse(_ what: String, _ why: String) -> Problem {
                Problem(.invalidInput, "scenario '\(scenario)': \(what)", location: "\(phase.file):\(phase.line)", why: why)
            }
            if phase.name.isEmpty || phase.name.contains("/") || phase.name.contains("\n") {
                throw refuse("a phase cannot be called '\(phase.name)'", "its name is a part of a path: not empty, one line, without '/'")
            }
            guard seen.insert(phase.name).inserted else {
                throw refuse("two phases are called '\(phase.name)'", "names tell the phases beside each other apart")
            }
            if phase.repetitions < 1 { throw refuse("'\(phase.name)' is repeated \(phase.repetitions) times", "once is the least") }
            if phase.isAlways, !parent.isEmpty {
                throw refuse("'\(phase.name)' in '\(parent)' cannot be 'always'", "only an outermost phase can")
            }
            if let expectation = phase.expectation, (try? Regex(expectation.pattern)) == nil {
                throw refuse("/\(expectation.pattern)/ is no regular expression", "'\(phase.name)' is expected to fail with it")
            }
            if case .group(let phases) = phase.body, phases.isEmpty {
                throw refuse("'\(phase.name)' has no phases in it", "it would do nothing")
            }
            try phase.phases.check(scenario: scenario, in: phase.name)
        }
    }
}
