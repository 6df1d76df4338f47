import LabEvents

/// Looks for mistakes in a profile's meaning and finds all of them.
struct ProfileCheck {
    let profile: NetworkProfile
    let members: ProfileMembers
    /// Whether everything that is named is there: only then it can be said what reaches what.
    private(set) var isWhole = true
    /// Who has which hardware address, of those that are written out.
    var macs: [MACAddress: String] = [:]
    private var found: [(problem: Problem, line: Int)] = []
    private var seen: Set<String> = []

    init(_ profile: NetworkProfile) {
        self.profile = profile
        members = ProfileMembers(profile)
    }

    /// Every mistake, in the order of the file's lines.
    mutating func all() -> [Problem] {
        names()
        networks()
        trunks()
        nodes()
        if members.nodes.count <= NetworkProfile.Limits.nodes {
            for layout in members.layouts { interfaces(of: layout) }
            hosts()
            ports()
            services()
            impairments()
            addresses()
            expectedFailure()
            if isWhole { reach() }
        }
        return found.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element.problem)
    }

    /// A mistake at a place of the profile. The same one at the same place is kept once, however many nodes it concerns.
    mutating func report(_ path: String, _ what: String, why: String? = nil, remedy: String? = nil) {
        let line = line(path)
        let location: String
        if let file = profile.source.file {
            location = line.map { "\(file):\($0)" } ?? file
        } else {
            location = path.isEmpty ? "network profile \(profile.name)" : "network profile \(profile.name), \(path)"
        }
        guard seen.insert("\(location)\n\(what)").inserted else { return }
        found.append((Problem(.invalidInput, what, location: location, why: why, remedy: remedy), line ?? 0))
    }

    /// A mistake that leaves open what the profile means.
    mutating func broken(_ path: String, _ what: String, why: String? = nil, remedy: String? = nil) {
        isWhole = false
        report(path, what, why: why, remedy: remedy)
    }

    /// A name that should be among the known ones and is not.
    mutating func unknown(_ path: String, _ what: String, _ name: String, in known: [String], of kind: String, remedy: String? = nil) {
        // Where so much is wrong no slip of a letter explains it, and the search would take long.
        let near = found.count > 50 ? nil : NearName.of(name, in: known).map { "did you mean '\($0)'?" }
        broken(
            path, what,
            why: known.isEmpty ? "the profile has no \(kind)" : "known \(kind.replacing(" or ", with: "s and "))s: \(NearName.list(known))",
            remedy: near ?? remedy
                ?? (known.isEmpty ? "add the \(kind) '\(name)', or remove this" : "use one of these, or add the \(kind) '\(name)'"))
    }

    /// A number that must lie in a range.
    mutating func range(_ number: Int, _ range: ClosedRange<Int>, _ path: String, _ what: String, why: String? = nil) {
        guard !range.contains(number) else { return }
        report(
            path, "\(what) is \(number)", why: why ?? "it is \(range.lowerBound) to \(range.upperBound)",
            remedy: "choose a number from \(range.lowerBound) to \(range.upperBound)")
    }

    /// The line of the part at a path, or of the nearest part around it.
    func line(_ path: String) -> Int? {
        var rest = path[...]
        while !rest.isEmpty {
            if let line = profile.source.lines[String(rest)] { return line }
            guard let end = rest.lastIndex(where: { $0 == "." || $0 == "[" }) else { break }
            rest = rest[..<end]
        }
        return profile.source.file == nil ? nil : 1
    }
}
