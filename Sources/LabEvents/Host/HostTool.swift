import FoundationEssentials

import Glibc

/// A program that must be on PATH.
public struct HostTool: Sendable, Equatable {
    /// The program's name.
    public var name: String
    /// The Debian and Ubuntu package that has it.
    public var package: String

    /// A program and its package.
    public init(name: String, package: String) {
        self.name = name
        self.package = package
    }

    /// The program's absolute path.
    ///
    /// - Parameter searchPath: folders separated by colons; nil for this process's PATH. Relative entries are skipped.
    /// - Throws: an environment problem with the key `tool-missing` when no folder has an executable of the name.
    public func locate(searchPath: String? = nil) throws(Problem) -> String {
        let path = searchPath ?? ProcessInfo.processInfo.environment["PATH"] ?? ""
        for folder in path.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = "\(folder)/\(name)"
            var status = stat()
            if stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(candidate, X_OK) == 0 { return candidate }
        }
        throw .environment(
            .toolMissing, "\(name) is not installed", why: path.isEmpty ? "PATH is empty" : "not found on PATH (\(path))",
            remedy: "./ci/setup, or: sudo apt-get install \(package)")
    }
}
