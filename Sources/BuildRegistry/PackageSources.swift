import LabEvents

/// The entries of the host's own apt configuration that belong to its distribution.
///
/// Read from `apt-get indextargets` (apt's doc/acquire-additional-files.md), which speaks of sources.list and deb822 files alike.
struct PackageSources: Equatable {
    /// One repository, suite and component.
    struct Entry: Hashable {
        var uri: String
        var suite: String
        var component: String
        /// A keyring file or fingerprints; empty: apt's own trusted keys.
        var signedBy: String
    }

    /// The repositories in the order of the host's configuration, without doubles.
    var entries: [Entry]

    /// The fields asked for, one line an index, parts apart by tabs. `SIGNED_BY` is last because an embedded key would span lines.
    static let format = "$(CREATED_BY)\t$(ARCHITECTURE)\t$(ORIGIN)\t$(CODENAME)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(SIGNED_BY)"

    /// The components of Debian and Ubuntu; what tells theirs from a stranger's repository when apt has not fetched its Release file yet.
    private static let components: Set<String> = [
        "main", "contrib", "non-free", "non-free-firmware", "restricted", "universe", "multiverse",
    ]

    /// Picks the distribution's entries out of the output of `apt-get indextargets` in ``format``.
    ///
    /// - Throws: ``Problem`` `env: package-sources` when none is left.
    init(indexTargets text: String, for host: HostDistribution) throws(Problem) {
        entries = []
        var strangers: [String] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 8, fields[0] == "Packages", [host.architecture, "all"].contains(fields[1]) else { continue }
            let (origin, codename) = (fields[2], fields[3])
            let entry = Entry(uri: fields[4], suite: fields[5], component: fields[6], signedBy: fields[7])
            let isOurs = origin.isEmpty ? Self.components.contains(entry.component) : origin.lowercased() == host.id
            // Backports are for those who ask for a package of theirs by name; nothing here does.
            let isSuite = [entry.suite, codename].contains {
                $0 == host.codename || ["-updates", "-security", "-proposed-updates"].contains($0.dropPrefix(host.codename))
            }
            guard isOurs, isSuite, !entry.suite.hasSuffix("-backports") else {
                strangers.append("\(entry.suite)/\(entry.component) of '\(origin)'")
                continue
            }
            if !entries.contains(entry) { entries.append(entry) }
        }
        guard entries.contains(where: { !$0.suite.contains("-") || $0.suite == host.codename }) else {
            throw .environment(
                .packageSources, "apt on this host has no package source of \(host.id) \(host.codename)", location: "apt-get indextargets",
                why: strangers.isEmpty ? "it lists no source at all" : "it lists only " + strangers.joined(separator: ", "),
                remedy: "add the distribution's main repository under /etc/apt/sources.list.d, then: apt-get update")
        }
    }

    /// The entries in the one-line format of sources.list(5).
    var sourcesList: String {
        entries.map { entry in
            let option = entry.signedBy.hasPrefix("/") ? "[signed-by=\(entry.signedBy)] " : ""
            return "deb \(option)\(entry.uri) \(entry.suite) \(entry.component)\n"
        }.joined()
    }

    /// The lines of `apt-config dump` that say how to reach a repository: proxies, certificates, timeouts, retries.
    static func acquireOptions(aptConfig text: String) -> [String] {
        let prefixes = ["Acquire::http", "Acquire::https", "Acquire::ftp", "Acquire::Retries", "Acquire::ForceIPv"]
        return text.split(separator: "\n").map(String.init).filter { line in
            prefixes.contains { line.hasPrefix($0) } && line.hasSuffix("\";") && !line.hasSuffix(" \"\";")
        }
    }
}

extension String {
    /// The rest after `prefix`, or the whole when it does not start so.
    fileprivate func dropPrefix(_ prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}
