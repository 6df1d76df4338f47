import FoundationEssentials
public import LabEvents
internal import Subprocess
internal import SystemPackage

/// Disk images, through qemu-img.
public struct QEMUImage: Sendable {
    /// The path of qemu-img.
    public let tool: String

    /// Finds qemu-img.
    ///
    /// - Throws: an environment problem with the key `tool-missing`.
    public init(searchPath: String? = nil) throws(Problem) {
        tool = try HostTool.qemuImage.locate(searchPath: searchPath)
    }

    /// What an image's header says.
    public struct Information: Decodable, Equatable, Sendable {
        /// The format: `qcow2`, `raw`, ….
        public var format: String
        /// The size of the disk that the guest sees, in bytes.
        public var virtualSize: Int64
        /// What the file takes on the host's disk, in bytes.
        public var actualSize: Int64?
        /// The backing file as the header names it; nil when there is none.
        public var backingFile: String?
        /// The backing file's format as the header names it.
        public var backingFormat: String?
        /// Whether a qcow2 image was left marked as in use, as after a crash.
        public var isDirty: Bool?

        private enum CodingKeys: String, CodingKey {
            case format
            case virtualSize = "virtual-size"
            case actualSize = "actual-size"
            case backingFile = "full-backing-filename"
            case backingFormat = "backing-filename-format"
            case isDirty = "dirty-flag"
        }
    }

    /// Reads an image's header. Works while a guest uses the image.
    ///
    /// - Parameters:
    ///   - path: the image file.
    ///   - format: the format that it must have; nil lets qemu-img look. Never trust a guess on what a guest could write.
    /// - Throws: a problem of kind `invalidInput` when the file is missing or is not of the format.
    public func information(_ path: String, format: Disk.Format? = nil) async throws(Problem) -> Information {
        let formatArguments = format.map { ["-f", $0.rawValue] } ?? []
        let result = try await run(["info", "-U", "--output=json"] + formatArguments + [path])
        guard result.status == .exited(0) else { throw Self.problem("cannot read disk image", path, result) }
        do {
            return try JSONDecoder().decode(Information.self, from: Data(result.output.utf8))
        } catch {
            throw Problem(.failure, "qemu-img info gave an answer that cannot be read", location: path, why: "\(error)")
        }
    }

    /// Makes a qcow2 overlay: what is written goes to the overlay, the base is only read.
    ///
    /// - Parameters:
    ///   - path: the new file; its folder must exist. An existing file is refused, not replaced.
    ///   - base: the base image; kept in the overlay's header as an absolute path.
    ///   - format: the base's format, kept in the header too, so that QEMU never guesses it.
    ///   - size: the disk's size in bytes, at least the base's; nil for the base's.
    /// - Throws: a problem of kind `invalidInput` when the base is missing or corrupt, `disk-full` when there is no space.
    public func createOverlay(_ path: String, base: String, format: Disk.Format, size: Int64? = nil) async throws(Problem) {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw Problem(.invalidInput, "overlay exists already", location: path, remedy: "remove it, or choose another name")
        }
        let absolute = URL(filePath: base).standardizedFileURL.path
        let header = try await information(absolute, format: format)
        if let size, size < header.virtualSize {
            throw Problem(
                .invalidInput, "overlay would be smaller than its base", location: absolute,
                why: "asked for \(size) bytes, the base has \(header.virtualSize)", remedy: "ask for at least the base's size")
        }
        let result = try await run(
            ["create", "-q", "-f", "qcow2", "-F", format.rawValue, "-b", absolute, path] + (size.map { [String($0)] } ?? []))
        guard result.status == .exited(0) else {
            try? FileManager.default.removeItem(atPath: path)
            throw Self.problem("cannot make an overlay of disk image", absolute, result)
        }
    }

    /// Checks a qcow2 image's tables. The image must not be in use.
    ///
    /// - Throws: a problem of kind `invalidInput` when the image is corrupt, with qemu-img's count of errors.
    public func check(_ path: String) async throws(Problem) {
        let result = try await run(["check", "-q", "-f", "qcow2", path])
        // 3 means leaked clusters: space is lost, no data. qemu-img(1).
        guard result.status != .exited(0), result.status != .exited(3) else { return }
        throw Self.problem("disk image is corrupt", path, result)
    }

    private struct ToolResult {
        var status: ProcessExit
        var output: String
        var error: String
    }

    private func run(_ arguments: [String]) async throws(Problem) -> ToolResult {
        do {
            // The C locale, because the texts below are matched.
            let result = try await Subprocess.run(
                .path(FilePath(tool)), arguments: Arguments(arguments), environment: .inherit.updating(["LC_ALL": "C"]),
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            return ToolResult(
                status: ProcessExit(result.terminationStatus), output: result.standardOutput, error: result.standardError)
        } catch {
            throw Problem(.failure, "cannot run qemu-img", location: tool, why: "\(error)")
        }
    }

    private static func problem(_ what: String, _ path: String, _ result: ToolResult) -> Problem {
        let lines = (result.error + result.output).split(separator: "\n").map { $0.hasPrefix("qemu-img: ") ? $0.dropFirst(10) : $0 }
        let why = lines.isEmpty ? "qemu-img \(result.status)" : lines.joined(separator: "\n")
        if why.contains("No space left on device") {
            return .environment(.diskFull, what, location: path, why: why, remedy: "free some space")
        }
        let remedy =
            why.contains("No such file")
            ? "check the path, or build the image" : "build or fetch the image again; `qemu-img check \(path)` shows the details"
        return Problem(.invalidInput, what, location: path, why: why, remedy: remedy)
    }
}
