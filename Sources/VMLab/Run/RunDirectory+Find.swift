public import FoundationEssentials
public import LabEvents

extension RunDirectory {
    /// Every run that is known: those kept in `state`, and those that live, whatever state folder they have. Oldest first.
    public static func all(
        state: String = defaultState(), environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> [RunDirectory] {
        var found: [String: RunDirectory] = [:]
        let runs = absolute(state) + "/runs"
        for name in names(in: runs) where isIdentifier(name) { found[name] = open(path: "\(runs)/\(name)") }
        if let runtime = try? runtime(environment) {
            for name in names(in: runtime) where isIdentifier(name) && found[name] == nil {
                let link = "\(runtime)/\(name)/run"
                guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else { continue }
                found[name] = RunDirectory(identifier: name, path: path, sockets: "\(runtime)/\(name)")
            }
        }
        return found.values.sorted { $0.identifier < $1.identifier }
    }

    /// The run that a word on a command line means.
    ///
    /// - Parameter word: `latest`, an identifier, or the beginning (or end, the random part) of one that no other run shares.
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the candidates.
    public static func find(
        _ word: String, state: String = defaultState(), environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(Problem) -> RunDirectory {
        let all = all(state: state, environment: environment)
        guard let latest = all.last else {
            throw Problem(.invalidInput, "there are no runs", location: absolute(state), remedy: "start one: vmlab run two-nodes --keep")
        }
        if word == "latest" { return latest }
        let matches = all.filter { $0.identifier == word }
        let candidates = matches.isEmpty ? all.filter { $0.identifier.hasPrefix(word) || $0.identifier.hasSuffix("-" + word) } : matches
        guard let run = candidates.first, !word.isEmpty else {
            let newest = all.suffix(5).reversed().map(\.identifier).joined(separator: ", ")
            throw Problem(
                .invalidInput, "no run is called '\(word)'", location: absolute(state), why: "the newest: \(newest)",
                remedy: "`vmlab ps --all` lists them; `latest` is the newest")
        }
        guard candidates.count == 1 else {
            throw Problem(
                .invalidInput, "'\(word)' is the beginning of \(candidates.count) runs",
                why: candidates.prefix(8).map(\.identifier).joined(separator: ", "), remedy: "give more of it")
        }
        return run
    }

    /// A run directory that is there already.
    public static func open(path: String) -> RunDirectory {
        let path = absolute(path)
        let identifier = path.split(separator: "/").last.map(String.init) ?? ""
        let sockets = try? FileManager.default.destinationOfSymbolicLink(atPath: path + "/sockets")
        return RunDirectory(identifier: identifier, path: path, sockets: sockets ?? path + "/sockets")
    }

    private static func names(in folder: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

    static func isIdentifier(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].count == 8 && parts[1].count == 6 && parts[2].count == 6
            && name.utf8.allSatisfy { $0 == UInt8(ascii: "-") || Character(UnicodeScalar($0)).isHexDigit }
    }
}
