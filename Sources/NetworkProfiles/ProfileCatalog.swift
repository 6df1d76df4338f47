public import FoundationEssentials
public import LabEvents

/// The profiles that can be named: files `NAME.yaml` in one or several folders, the first folder that has a name wins.
public struct ProfileCatalog: Sendable {
    /// The folders, in the order they are searched.
    public let folders: [String]

    /// A catalog of these folders.
    public init(folders: [String]) { self.folders = folders }

    /// The catalog of this process, from the folders that exist among:
    /// `$VMLAB_PROFILES`; `profiles` in the working directory; and for each folder above the executable (its links resolved): `profiles` where
    /// that folder is a package (it has Package.swift), which may be a user's own; that of vmlab as a dependency, in `checkouts/vmlab`; and
    /// `share/vmlab/profiles`, for an installed vmlab.
    ///
    /// - Throws: ``Problem`` when `$VMLAB_PROFILES` is no folder.
    public static func standard(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        workingDirectory: String = FileManager.default.currentDirectoryPath, executable: String = "/proc/self/exe"
    ) throws(Problem) -> ProfileCatalog {
        var folders: [String] = []
        if let folder = environment["VMLAB_PROFILES"], !folder.isEmpty {
            guard isFolder(folder) else {
                throw Problem(
                    .invalidInput, "VMLAB_PROFILES is no folder", location: folder, remedy: "set it to the folder with your NAME.yaml files"
                )
            }
            folders.append(folder)
        }
        folders.append(workingDirectory + "/profiles")
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: executable)) ?? executable
        var above = program[...]
        while let slash = above.lastIndex(of: "/") {
            above = above[..<slash]
            if FileManager.default.fileExists(atPath: above + "/Package.swift") { folders.append(above + "/profiles") }
            folders.append(above + "/checkouts/vmlab/profiles")
            folders.append(above + "/share/vmlab/profiles")
        }
        var seen: Set<String> = []
        return ProfileCatalog(folders: folders.filter { isFolder($0) && seen.insert($0).inserted })
    }

    /// The names of all profiles, sorted.
    public var names: [String] {
        let files = folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
        return Set(files.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.map { String($0.dropLast(5)) }).sorted()
    }

    /// The path of a profile's file, whether or not what is in it is acceptable.
    ///
    /// - Parameter word: a name, or the path of a file: what has a `/` or ends in `.yaml`.
    /// - Throws: a ``Problem`` of kind `invalidInput` for an unknown name; it lists the known ones.
    public func path(_ word: String) throws(Problem) -> String {
        if word.contains("/") || word.hasSuffix(".yaml") { return word }
        if let path = folders.map({ "\($0)/\(word).yaml" }).first(where: { FileManager.default.fileExists(atPath: $0) }) { return path }
        let known = names
        throw Problem(
            .invalidInput, "there is no network profile called '\(word)'",
            location: folders.isEmpty ? nil : folders.joined(separator: ", "),
            why: known.isEmpty ? "no profile was found" : "the known ones are \(NearName.list(known, limit: 20))",
            remedy: known.isEmpty
                ? "set VMLAB_PROFILES to a folder with profiles"
                : NearName.of(word, in: known).map { "did you mean '\($0)'?" } ?? "use one of these, or the path of a .yaml file")
    }

    /// The profile of a name or path.
    ///
    /// - Throws: a ``ProfileError``: no such name, or everything that is wrong in the file.
    public func profile(_ word: String) throws(ProfileError) -> NetworkProfile {
        let path: String
        do { path = try self.path(word) } catch { throw ProfileError(problems: [error]) }
        return try NetworkProfile.load(path)
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }
}
