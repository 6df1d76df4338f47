import Glibc
public import LabEvents

/// A file that a build of a variant must leave.
public struct ImageOutput: Sendable, Codable, Equatable {
    /// Its name among the variant's outputs, for example `kernel`.
    public var name: String
    /// Where it lies, relative to the output folder: patterns as in glob(7) with the axes filled in, the first that fits anything counts.
    public var patterns: [String]
    /// What it must be.
    public var format: Format
    /// How large it may be, bytes.
    public var bytes: ClosedRange<Int64>
    /// Programs inside whose ELF machine must be the variant's architecture: absolute paths, looked for in the disk's ext4 partitions or the archive.
    public var programs: [String]
    /// Where not nil: another variant may have the same bytes, if the two agree in these axes.
    public var shared: [VariantAxis]?

    /// What an output can be.
    public enum Format: String, Sendable, Codable, CaseIterable {
        /// A raw disk with a partition table.
        case wic
        /// QEMU's format, with a partition table in it.
        case qcow2
        /// A kernel of the variant's architecture.
        case kernel
        /// A cpio archive, compressed or not.
        case initrd
        /// A tar archive, compressed or not.
        case archive
        /// A program (ELF) of the variant's architecture.
        case program
        /// Anything.
        case any
    }

    /// An output from its parts.
    public init(
        name: String, patterns: [String], format: Format, bytes: ClosedRange<Int64> = 1...(1 << 40), programs: [String] = [],
        shared: [VariantAxis]? = nil
    ) {
        self.name = name
        self.patterns = patterns
        self.format = format
        self.bytes = bytes
        self.programs = programs
        self.shared = shared
    }

    /// The files in `folder` that each pattern fits, those of the first pattern first: what a builder moves away before it starts.
    public func candidates(in folder: String) -> [String] { patterns.flatMap { Self.files($0, in: folder) } }

    /// The one file in `folder` that is this output.
    ///
    /// - Throws: ``Problem`` of kind `failure` when no pattern fits a file, or the first that fits one fits several.
    public func locate(in folder: String) throws(Problem) -> String {
        for pattern in patterns {
            let found = Self.files(pattern, in: folder)
            if found.count == 1 { return found[0] }
            guard found.isEmpty else {
                throw Problem(
                    .failure, "more than one file can be the output '\(name)'", location: "\(folder)/\(pattern)",
                    why: "there are \(found.joined(separator: ", "))", remedy: "remove what is old, or write a narrower pattern")
            }
        }
        throw Problem(
            .failure, "the output '\(name)' is missing", location: folder, why: "no file is called \(patterns.joined(separator: " or "))",
            remedy: "look into the builder's log, or correct the output's patterns")
    }

    private static func files(_ pattern: String, in folder: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        // The folder is a path, not a pattern.
        let escaped = folder.reduce(into: "") { $0 += "*?[\\".contains($1) ? "\\\($1)" : String($1) }
        guard glob(escaped + "/" + pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }.filter(isFile)
    }

    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
