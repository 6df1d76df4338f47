/// Counts packages, and learns their versions, from what apt and dpkg print while a tree is made.
struct PackageProgress {
    /// The packages fetched so far, in that order.
    private(set) var packages: [PackageVersion] = []
    /// The lines that tell why a fetch failed.
    private(set) var complaints: [String] = []
    private var unpacked = 0
    private var configured = 0
    private var total: Int?

    /// Takes in one line; returns the new count when it told of a package.
    mutating func consume(_ line: String) -> (activity: ImageBuildEvent.PackageActivity, done: Int, total: Int?)? {
        let words = line.split(separator: " ")
        guard let first = words.first else { return nil }
        // Get:7 REPOSITORY SUITE/COMPONENT ARCHITECTURE PACKAGE ARCHITECTURE VERSION [SIZE UNIT]
        if first.hasPrefix("Get:"), words.count >= 9, words[7].hasPrefix("[") {
            packages.append(PackageVersion(name: String(words[4]), version: String(words[6])))
            return (.fetched, packages.count, total)
        }
        // 0 upgraded, 57 newly installed, 0 to remove and 0 not upgraded.
        if words.count > 4, words[1] == "upgraded,", words[3] == "newly", let count = Int(words[2]) {
            total = (total ?? 0) + count
        } else if first == "Unpacking" {
            unpacked += 1
            return (.unpacked, unpacked, total)
        } else if words.count > 2, first == "Setting", words[1] == "up" {
            configured += 1
            return (.configured, configured, total)
        } else if first.hasPrefix("Err:") || first == "E:" {
            complaints.append(line)
        }
        return nil
    }

    /// Whether apt could not get what it was asked for.
    var isFetchFailure: Bool {
        complaints.contains { line in
            line.hasPrefix("Err:")
                || [
                    "Failed to fetch", "Unable to locate package", "Unable to fetch", "has no installation candidate", "is not signed",
                    "apt-get update",
                ]
                .contains { line.contains($0) }
        }
    }
}

/// A package in an image.
public struct PackageVersion: Sendable, Codable, Equatable {
    /// Its name.
    public var name: String
    /// Its version in the distribution's spelling.
    public var version: String
}
