public import FoundationEssentials
public import LabEvents

extension RunDirectory {
    /// Every run that is known: those kept in `state`, and those that live, whatever state folder they have. Oldest first.
    public static func all(
        state: String = defaultState(), environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> [RunDirectory] {
        var found = kept(in: state)
        if let runtime = try? runtime(environment) {
            for name in names(in: runtime) where isIdentifier(name) && found[name] == nil {
                let link = "\(runtime)/\(name)/run"
                guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else { continue }
                found[name] = RunDirectory(identifier: name, path: path, sockets: "\(runtime)/\(name)")
            }
        }
        return found.values.sorted { $0.identifier < $1.identifier }
    }

    private static func kept(in state: String) -> [String: RunDirectory] {
        let runs = absolute(state) + "/runs"
        let identifiers = names(in: runs).filter(isIdentifier)
        return Dictionary(uniqueKeysWithValues: identifiers.map { ($0, open(path: "\(runs)/\($0)")) })
    }

    /// The run that a word on a command line means.
    ///
    /// Only a whole identifier reaches a lab that another state folder keeps: whoever says `down latest` means a run of their own.
    ///
    /// - Parameter word: an identifier; or, among the runs that `state` keeps, `latest`, or the beginning (or end, the random part) of one that no other
    ///   shares.
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the candidates.
    public static func find(
        _ word: String, state: String = defaultState(), environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(Problem) -> RunDirectory {
        let everywhere = all(state: state, environment: environment)
        if let run = everywhere.first(where: { $0.identifier == word }) { return run }
        let own = kept(in: state).values.sorted { $0.identifier < $1.identifier }
        let others = Set(everywhere.map(\.identifier)).subtracting(own.map(\.identifier)).sorted()
        let elsewhere = others.isEmpty ? "" : "other folders keep \(others.suffix(5).joined(separator: ", ")), which whole ids reach"
        guard let latest = own.last else {
            throw Problem(
                .invalidInput, "there are no runs", location: absolute(state), why: elsewhere.isEmpty ? nil : elsewhere,
                remedy: "start one: vmlab run two-nodes --keep")
        }
        if word == "latest" { return latest }
        let candidates = own.filter { $0.identifier.hasPrefix(word) || $0.identifier.hasSuffix("-" + word) }
        guard let run = candidates.first, !word.isEmpty else {
            let newest = "the newest: " + own.suffix(5).reversed().map(\.identifier).joined(separator: ", ")
            throw Problem(
                .invalidInput, "no run is called '\(word)'", location: absolute(state),
                why: [newest, elsewhere].filter { !$0.isEmpty }.joined(separator: "; "),
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
