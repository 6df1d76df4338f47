import Foundation
import Testing

/// The Swift in the README is that of the example package, which ``ExamplePackageTests`` builds: so it compiles.
@Suite("The README's example", .tier(.unit))
struct ReadmeExampleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let folder = root.appending(path: "Examples/EdgePlatform/Sources").path

    @Test("what the README shows of it stands in it, word for word")
    func readme() throws {
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let examples = readme.components(separatedBy: "```swift\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        #expect(!examples.isEmpty)
        let names = try FileManager.default.subpathsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".swift") }
        let sources = try names.map { try String(contentsOfFile: Self.folder + "/" + $0, encoding: .utf8) }
        for example in examples { #expect(sources.contains { $0.contains(example) }, "not in \(Self.folder):\n\(example)") }
    }
}
