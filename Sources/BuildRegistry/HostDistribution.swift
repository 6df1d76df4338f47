import FoundationEssentials
public import LabEvents

/// The distribution of this host, whose packages and sources images are made of.
public struct HostDistribution: Sendable, Codable, Equatable {
    /// The `ID` of os-release: `debian` or `ubuntu`.
    public var id: String
    /// The `VERSION_CODENAME` of os-release, for example `bookworm`.
    public var codename: String
    /// Debian's name of the processor architecture. Images are made for `amd64` only.
    public var architecture: String

    /// The distributions that images can be made on.
    static let supported = ["debian", "ubuntu"]

    /// A distribution from its parts.
    public init(id: String, codename: String, architecture: String = "amd64") {
        self.id = id
        self.codename = codename
        self.architecture = architecture
    }

    /// Reads the distribution from an os-release file (os-release(5)).
    ///
    /// - Throws: ``Problem`` `env: package-sources` on any other distribution or architecture.
    public init(osRelease path: String = "/etc/os-release") throws(Problem) {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[String(parts[0])] =
                parts[1].trimmingPrefix("\"").hasSuffix("\"")
                ? String(parts[1].trimmingPrefix("\"").dropLast()) : String(parts[1])
        }
        guard let id = fields["ID"], Self.supported.contains(id), let codename = fields["VERSION_CODENAME"] else {
            throw .environment(
                .packageSources, "images can be built on Debian and Ubuntu only", location: path,
                why: "this host is \(fields["PRETTY_NAME"] ?? fields["ID"] ?? "unknown")",
                remedy: "build on Debian or Ubuntu, or boot an existing image by its path")
        }
        #if arch(x86_64)
            self.init(id: id, codename: codename)
        #else
            throw .environment(
                .packageSources, "images can be built for x86-64 only", why: "their kernel and boot loaders are those of amd64",
                remedy: "boot an existing image by its path")
        #endif
    }
}
