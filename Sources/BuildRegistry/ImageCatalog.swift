public import FoundationEssentials
public import LabEvents
import SystemPackage

/// The image descriptions that can be named: files `NAME.yaml` in one or several folders, the first folder that has a name wins.
public struct ImageCatalog: Sendable {
    /// The folders, in the order they are searched.
    public let folders: [String]

    /// A catalog of these folders.
    public init(folders: [String]) { self.folders = folders }

    /// The catalog of this process, from the folders that exist among:
    /// `$VMLAB_IMAGES`; `images` in the working directory; and for each folder above the executable (its links resolved): `images` where
    /// that folder is a package (it has Package.swift), which may be a user's own; that of vmlab as a dependency, in `checkouts/vmlab`; and
    /// `share/vmlab/images`, for an installed vmlab.
    ///
    /// - Throws: ``Problem`` when `$VMLAB_IMAGES` is no folder.
    public static func standard(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        workingDirectory: String = FileManager.default.currentDirectoryPath, executable: String = "/proc/self/exe"
    ) throws(Problem) -> ImageCatalog {
        var folders: [String] = []
        if let folder = environment["VMLAB_IMAGES"], !folder.isEmpty {
            guard isFolder(folder) else {
                throw Problem(
                    .invalidInput, "VMLAB_IMAGES is no folder", location: folder, remedy: "set it to the folder with your NAME.yaml files")
            }
            folders.append(folder)
        }
        folders.append(workingDirectory + "/images")
        var above = FilePath((try? FileManager.default.destinationOfSymbolicLink(atPath: executable)) ?? executable)
        while above.removeLastComponent() {
            if Folder.exists(above.appending("Package.swift").string) { folders.append(above.appending("images").string) }
            folders.append(above.appending("checkouts/vmlab/images").string)
            folders.append(above.appending("share/vmlab/images").string)
        }
        var seen: Set<String> = []
        return ImageCatalog(folders: folders.filter { isFolder($0) && seen.insert($0).inserted })
    }

    /// The file among them that is no description: ``VariantMatrix``.
    static let matrixFile = "variants.yaml"

    /// Whether one of the folders declares variants.
    public var hasMatrix: Bool { folders.contains { Folder.exists($0 + "/" + Self.matrixFile) } }

    /// The names of all descriptions, sorted.
    public var names: [String] {
        Set(folders.flatMap(Folder.names).filter { $0.hasSuffix(".yaml") && $0 != Self.matrixFile }.map { String($0.dropLast(5)) }).sorted()
    }

    /// The description called `name`.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput`: no such name (it lists the known ones), or an error in the file.
    public func description(named name: String) throws(Problem) -> ImageDescription {
        let path = folders.map { "\($0)/\(name).yaml" }.first(where: Folder.exists)
        guard let path, !name.contains("/") else {
            let known = names
            throw Problem(
                .invalidInput, "there is no image called '\(name)'", location: folders.isEmpty ? nil : folders.joined(separator: ", "),
                why: known.isEmpty ? "no image description was found" : "the known ones are \(known.joined(separator: ", "))",
                remedy: known.isEmpty
                    ? "set VMLAB_IMAGES to a folder with image descriptions" : "use one of these, or the path of an image file")
        }
        return try ImageDescription(contentsOf: path)
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }
}
