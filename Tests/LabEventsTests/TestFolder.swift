import Foundation
import LabEvents
import Synchronization

/// A folder that is gone, with everything in it, after the body.
func withTestFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let folder = base + "/vmlab-test-" + String(UUID().uuidString.prefix(8)).lowercased()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    let result: Swift.Result<Result, any Error>
    do {
        result = .success(try await body(folder))
    } catch {
        result = .failure(error)
    }
    try? FileManager.default.removeItem(atPath: folder)
    return try result.get()
}

func text(_ path: String) -> String {
    (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) } ?? ""
}

/// The events of a file, which must consist of whole lines.
func events(_ path: String) throws -> [LabEvent] {
    let content = text(path)
    guard content.isEmpty || content.hasSuffix("\n") else { throw Problem(.failure, "the file ends within a line", location: path) }
    return try content.split(separator: "\n").compactMap { try LabEvent.decode(jsonLine: $0.utf8) }
}

/// Keeps all that it gets.
final class Collector: EventRecorder {
    private let state = Mutex<[LabEvent]>([])
    var events: [LabEvent] { state.withLock { $0 } }
    func record(_ event: LabEvent) { state.withLock { $0.append(event) } }
}

/// The text of a message.
func message(_ event: LabEvent?) -> String? {
    if case .message(let message) = event?.kind { message.text } else { nil }
}
