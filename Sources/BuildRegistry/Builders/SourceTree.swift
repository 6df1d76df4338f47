import FoundationEssentials
import LabEvents
import SystemPackage

/// Digests of folders with sources in them.
struct SourceTree {
    let tools: HostTools

    /// SHA-256 over names and contents of what is in a folder: of a git work tree what git does not ignore, of any other folder all.
    func digest(of folder: String) async throws -> String {
        var lines: [String] = []
        for name in try await names(in: folder).sorted() {
            let path = "\(folder)/\(name)"
            guard let kind = (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType else { continue }
            if kind == .typeSymbolicLink {
                lines.append("\((try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? "") link \(name)")
            } else if kind == .typeRegular {
                lines.append("\(try Digest.sha256(ofFile: path)) \(name)")
            }
        }
        return Digest.sha256(lines.joined(separator: "\n").utf8)
    }

    private func names(in folder: String) async throws -> [String] {
        let list = ["git", "-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
        if tools.find("git") != nil, let outcome = try? await ToolRunner(tools: tools).outcome(list, keepOutput: true), outcome.succeeded {
            return Array(Set(outcome.output.split(whereSeparator: { $0 == "\0" || $0 == "\n" }).map(String.init)))
        }
        try Task.checkCancellation()
        return (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
    }
}
