import Foundation
import Synchronization
import Testing

@testable import BuildRegistry

/// The folder of this package.
let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Runs `body` with a fresh folder that is gone afterwards.
func withTemporaryFolder<T>(_ body: (String) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory.appending(path: "vmlab-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// Values in the order they were appended, from any task.
final class Recorder<Element: Sendable>: Sendable {
    private let values = Mutex<[Element]>([])
    /// All values so far.
    var all: [Element] { values.withLock { $0 } }
    /// Adds a value and returns how many there are.
    @discardableResult
    func append(_ value: Element) -> Int {
        values.withLock {
            $0.append(value)
            return $0.count
        }
    }
}
