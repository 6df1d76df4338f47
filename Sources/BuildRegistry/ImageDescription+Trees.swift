import FoundationEssentials
import LabEvents

extension ImageDescription {
    /// The files of the folders that the key `trees` names, as if they stood under `files`: so their bytes decide the image's key.
    ///
    /// `from` is a folder beside the description. Sub-folders come along; what Python leaves behind while it runs does not. A file that
    /// its owner may execute gets mode 0755, any other 0644.
    static func trees(_ root: YAMLSection) throws(Problem) -> [File] {
        var files: [File] = []
        for section in try root.sections("trees", keys: ["path", "from"]) {
            let from = try section.string("from")
            let target = try section.string("path")
            let folder = Folder.parent(root.file) + "/" + from
            let names = ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted()
            guard !from.hasPrefix("/"), !names.isEmpty else {
                throw section.problem(
                    "the folder '\(from)' has no files", at: "from", why: "it is looked for in \(Folder.parent(root.file))",
                    remedy: "name a folder beside the description")
            }
            for name in names where !name.split(separator: "/").contains("__pycache__") {
                let path = folder + "/" + name
                var isFolder = false
                guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder else { continue }
                guard let content = FileManager.default.contents(atPath: path).flatMap({ String(validating: $0, as: UTF8.self) }) else {
                    throw section.problem(
                        "the file '\(from)/\(name)' is not readable text", at: "from", remedy: "take it out of the folder")
                }
                let isProgram = FileManager.default.isExecutableFile(atPath: path)
                files.append(File(path: "\(target)/\(name)", mode: isProgram ? 0o755 : 0o644, content: content))
            }
        }
        return files
    }
}
