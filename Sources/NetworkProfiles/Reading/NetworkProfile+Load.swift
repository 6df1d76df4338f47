import FoundationEssentials
import LabEvents

extension NetworkProfile {
    /// The most bytes of a profile's file.
    static let fileLimit = 1 << 20
    /// The most YAML aliases (`*name`) of a profile's file.
    static let aliasLimit = 16

    /// Reads a profile from a file called as the profile is, `NAME.yaml`.
    ///
    /// - Throws: a ``ProfileError`` with all that is wrong, each with file and line; problems are of kind `invalidInput`.
    public static func load(_ path: String) throws(ProfileError) -> NetworkProfile {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ProfileError(problems: [
                Problem(
                    .invalidInput, "the network profile cannot be read", location: path,
                    why: "there is no such file, or it is not yours to read",
                    remedy: "give the path of a file, or a name that `vmlab profile list` shows")
            ])
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ProfileError(problems: [
                Problem(.invalidInput, "the file is no text in UTF-8", location: path, remedy: "save it as UTF-8")
            ])
        }
        return try parse(text, file: path)
    }

    /// Reads a profile from text.
    ///
    /// - Parameters:
    ///   - text: YAML.
    ///   - file: the file's path as messages should show it; its last part must be the profile's name and `.yaml`.
    /// - Throws: as ``load(_:)``. Keys and values that are not of their shape come first; meaning is checked where all of them are.
    public static func parse(_ text: String, file: String) throws(ProfileError) -> NetworkProfile {
        guard text.utf8.count <= fileLimit else {
            throw ProfileError(problems: [
                Problem(
                    .invalidInput, "the file is too large for a network profile", location: file,
                    why: "it has \(text.utf8.count) bytes, the limit is \(fileLimit)", remedy: "use roles in place of single nodes")
            ])
        }
        // Aliases of aliases double what they stand for, and the parser hashes all of it where one is a key.
        let aliases = text.matches(of: #/(?:^|[\s\[{,])\*[A-Za-z0-9_-]/#).count
        guard aliases <= aliasLimit else {
            throw ProfileError(problems: [
                Problem(
                    .invalidInput, "the file has too many YAML aliases", location: file,
                    why: "it has \(aliases), the limit is \(aliasLimit)",
                    remedy: "say in a role what several nodes have")
            ])
        }
        var reader = ProfileReader(file: file)
        let section: ProfileSection
        do {
            let document = try YAMLSection.document(text, file: file)
            section = reader.section(document, .profile, path: "", title: ProfileKeys.profile.title)
        } catch {
            throw ProfileError(problems: [error])
        }
        guard reader.problems.isEmpty else { throw ProfileError(problems: reader.problems) }
        let (profile, contradictions) = profile(section, ProfileSource(file: file, lines: reader.lines))
        var check = ProfileCheck(profile)
        check.fileName()
        for mistake in contradictions { check.report(mistake.path, mistake.what, why: mistake.why, remedy: mistake.remedy) }
        let problems = check.all()
        guard problems.isEmpty else { throw ProfileError(problems: problems) }
        return profile
    }
}
