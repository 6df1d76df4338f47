import Foundation
import Synchronization
import Testing

@testable import LabEvents

@Suite(.tier(.unit)) struct EventFileTests {
    static func event(_ number: Int, _ text: String = "text") -> LabEvent {
        LabEvent(sequence: number, time: Date(timeIntervalSince1970: 0), severity: .info, kind: .message(.init(text: text)))
    }

    @Test func `lines are appended to a file that its owner alone can read`() async throws {
        try await withTestFolder { folder in
            let path = folder + "/events.jsonl"
            try EventFile(path: path).record(Self.event(1))
            let second = try EventFile(path: path)
            second.record(Self.event(2))
            #expect(try events(path).map(\.sequence) == [1, 2])
            #expect(second.failure == nil)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            second.close()
            second.record(Self.event(3))
            #expect(second.linesLost == 1)
        }
    }

    @Test(arguments: ["{\"v\":1,\"se", String(repeating: "x", count: 10_000)])
    func `half a line that a killed writer left is cut off`(_ torn: String) async throws {
        try await withTestFolder { folder in
            let path = folder + "/events.jsonl"
            let whole = String(decoding: Self.event(1).jsonLine(), as: UTF8.self) + "\n"
            for start in [whole, ""] {
                try Data((start + torn).utf8).write(to: URL(filePath: path))
                try EventFile(path: path).record(Self.event(2))
                #expect(try events(path).map(\.sequence) == (start.isEmpty ? [2] : [1, 2]))
            }
        }
    }

    @Test func `a full device is told once, and the writer lives on`() throws {
        let told = Mutex<[Problem]>([])
        let file = try EventFile(path: "/dev/full") { problem in told.withLock { $0.append(problem) } }
        for number in 1...3 { file.record(Self.event(number)) }
        let problems = told.withLock { $0 }
        #expect(problems.count == 1)
        #expect(problems.first?.key == .diskFull)
        #expect(problems.first?.location == "/dev/full")
        #expect(file.failure == problems.first)
        #expect(file.linesLost == 3)
    }

    @Test func `a failure may be recorded as an event of the same log`() async throws {
        let log = EventLog(run: "r", redactor: Redactor())
        let all = Collector()
        log.attach(try EventFile(path: "/dev/full") { log.problem($0) })
        log.attach(all)
        log.message("one")
        await log.finish()
        #expect(all.events.map(\.kind.type) == ["message", "problem"])
        #expect(all.events.map(\.sequence) == [1, 2])
    }

    @Test func `what cannot be opened is a problem`() {
        #expect(throws: Problem.self) { try EventFile(path: "/nowhere/events.jsonl") }
    }

    @Test func `a file appears whole, redacted, for its owner alone`() async throws {
        try await withTestFolder { folder in
            let path = folder + "/result.json"
            let redactor = Redactor()
            try redactor.add(secret: "hunter2000", name: "login")
            try AtomicFile.write(Array("old".utf8), to: path, redactor: redactor)
            try AtomicFile.write(Array(#"{"x":"hunter2000"}"#.utf8), to: path, redactor: redactor)
            #expect(text(path) == #"{"x":"[redacted:login]"}"#)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["result.json"])
            // A folder cannot be replaced by a file: the last step fails.
            try FileManager.default.createDirectory(atPath: folder + "/d/x", withIntermediateDirectories: true)
            let problem = #expect(throws: Problem.self) { try AtomicFile.write([1], to: folder + "/d", redactor: redactor) }
            #expect(problem?.kind == .failure)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["d", "result.json"])
        }
    }
}

/// A file system that is really full: 64 KiB of memory, mounted where nobody else sees it.
@Suite(.tier(.contract)) struct FullDiskTests {
    /// The folder where the inner process of the test finds its file system.
    private static let inner = ProcessInfo.processInfo.environment["VMLAB_TEST_TINY_DISK"]

    @Test(.enabled("needs the right to mount a file system", { canMount }))
    func `the file has whole lines when the disk is full and after`() async throws {
        if let folder = Self.inner { return try Self.fill(folder) }
        try await withTestFolder { folder in
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/unshare")
            let script = #"mount -t tmpfs -o size=64k tmpfs "$1" && export VMLAB_TEST_TINY_DISK="$1" && shift && exec "$@""#
            process.arguments =
                ["-m", "sh", "-c", script, "sh", folder, "/proc/self/exe"].dropLast() + [
                    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"), "--testing-library", "swift-testing",
                    "--filter",
                    "FullDiskTests",
                ]
            let output = Pipe()
            (process.standardOutput, process.standardError) = (output, output)
            try process.run()
            let said = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(String(decoding: said, as: UTF8.self))")
        }
    }

    private static let canMount: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        process.arguments = ["-m", "true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    private static func fill(_ folder: String) throws {
        let path = folder + "/events.jsonl"
        let told = Mutex<[Problem]>([])
        let file = try EventFile(path: path) { problem in told.withLock { $0.append(problem) } }
        // Another file takes the space that the last lines need, so that one line is cut in two by the end of the disk.
        for number in 1...200 { file.record(EventFileTests.event(number, String(repeating: "x", count: 900))) }
        #expect(told.withLock { $0.map(\.key) } == [.diskFull])
        let before = try events(path).map(\.sequence)
        #expect(before == Array(1...before.count) && before.count > 20 && before.count < 100)
        #expect(file.linesLost == 200 - before.count)
        #expect(throws: Problem.self) { try AtomicFile.write([UInt8](repeating: 65, count: 9000), to: folder + "/r", redactor: Redactor()) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["events.jsonl"])
        // Space again.
        #expect(truncate(path, off_t(before.count / 2 * text(path).utf8.count / before.count)) == 0)
        file.record(EventFileTests.event(500))
        #expect(text(path).hasSuffix("}\n"))
        #expect(told.withLock { $0.count } == 1)
    }
}
