import FoundationEssentials
import LabEvents

/// The files that a build could be mistaken to have written, out of its way while it runs.
///
/// A builder may leave old files, rewrite them in place, or give new ones old times, so that nothing about a file says which build wrote it. What is in its place
/// after it was moved away was written by this build. The files lie beside the outputs in `.vmlab-aside-ID/`: `list.json` names their places before the
/// first is moved, so that the next build puts back what one that was killed has left.
struct OutputsAside {
    private let variant: ImageVariant
    private let folder: String
    private let aside: String

    /// For the outputs of `variant` in its output folder, whose lock the caller holds.
    init(_ variant: ImageVariant, folder: String) {
        self.variant = variant
        self.folder = folder
        aside = "\(folder)/\(Self.prefix)\(Digest.sha256(variant.id.utf8).prefix(12))"
    }

    private static let prefix = ".vmlab-aside-"

    /// Puts back what builds that were killed have left in `folder`, whatever variants they were of, then moves this variant's known outputs away.
    func move() throws(Problem) {
        try Self.recover(folder)
        let known = variant.outputs.flatMap { $0.candidates(in: folder) }
        guard !known.isEmpty else { return }
        var places: [String] = []
        for path in known where !places.contains(path) { places.append(path) }
        try Folder.create(aside)
        try Folder.write(Self.text(Moved(places: places, patterns: variant.outputs.flatMap(\.patterns))), to: list)
        try Folder.synchronize(list)
        try Folder.synchronize(aside)
        for (number, place) in places.enumerated() { try Folder.rename(place, to: "\(aside)/\(number)") }
    }

    /// Removes what this build wrote and puts back what was moved away.
    func putBack() throws(Problem) {
        for output in variant.outputs { for path in output.candidates(in: folder) { Folder.remove(path) } }
        try Self.restore(aside)
    }

    /// Removes what was moved away: there is something newer.
    func drop() { Folder.remove(aside) }

    /// Puts back what killed builds have left in a folder.
    static func recover(_ folder: String) throws(Problem) {
        for name in Folder.names(in: folder) where name.hasPrefix(prefix) {
            if let moved = moved("\(folder)/\(name)") {
                let output = ImageOutput(name: "", patterns: moved.patterns, format: .any)
                // Of a build that was killed nothing counts; but what was not moved yet is no build's.
                for path in output.candidates(in: folder) where isGone(path, moved, "\(folder)/\(name)") { Folder.remove(path) }
            }
            try restore("\(folder)/\(name)")
        }
    }

    /// What was moved, or is about to be.
    private struct Moved: Codable {
        var places: [String]
        var patterns: [String]
    }

    private var list: String { aside + "/list.json" }

    private static func isGone(_ path: String, _ moved: Moved, _ aside: String) -> Bool {
        guard let number = moved.places.firstIndex(of: path) else { return true }
        return Folder.exists("\(aside)/\(number)")
    }

    private static func restore(_ aside: String) throws(Problem) {
        guard Folder.exists(aside) else { return }
        for (number, place) in (moved(aside)?.places ?? []).enumerated() where Folder.exists("\(aside)/\(number)") {
            try Folder.create(Folder.parent(place))
            try Folder.rename("\(aside)/\(number)", to: place)
        }
        Folder.remove(aside)
    }

    private static func moved(_ aside: String) -> Moved? {
        FileManager.default.contents(atPath: aside + "/list.json").flatMap { try? JSONDecoder().decode(Moved.self, from: $0) }
    }

    private static func text(_ moved: Moved) throws(Problem) -> String {
        guard let data = try? JSONEncoder().encode(moved) else { throw Problem(.failure, "cannot write down what is moved away") }
        return String(decoding: data, as: UTF8.self)
    }
}
