import Foundation
import Glibc
import Synchronization
import Testing

/// A place of its own for the labs of one test: a folder for runs, one for sockets, and the variables that say so. Whatever else runs on the host has other
/// folders, so that neither disturbs the other.
struct World: Sendable {
    let folder: String
    private let counter = Counter()

    var state: String { folder + "/state" }
    /// Where labs have their sockets.
    var runtime: String { folder + "/r/vmlab" }
    /// In the environment of every process that descends from a program of this world.
    private var mark: String { "XDG_RUNTIME_DIR=\(folder)/r" }

    var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(["VMLAB_STATE": state, "XDG_RUNTIME_DIR": "\(folder)/r", "TERM": "dumb"]) { $1 }
    }

    /// Makes a world for the time of `body`. Nothing of it may be left then; what is left all the same is ended.
    static func with<Result>(_ body: (World) async throws -> Result) async throws -> Result {
        var template = Array((FileManager.default.temporaryDirectory.path + "/kill.XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw Program.Failure(description: "mkdtemp: \(String(cString: strerror(errno)))") }
        let world = World(folder: String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        for folder in [world.state, world.folder + "/r"] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        defer { world.end() }
        let result = try await body(world)
        // A program that was waited for is gone; its children may need a moment to notice.
        let left = try? await Poll.until("nothing is left", .seconds(8), every: .milliseconds(20)) {
            world.processes().isEmpty ? true : nil
        }
        #expect(left == true, "left behind: \(world.processes())")
        return result
    }

    private func end() {
        for process in processes() { kill(process.pid, SIGKILL) }
        for run in runs() { try? FileManager.default.removeItem(atPath: "/dev/shm/vmlab-\(run)") }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The vmlab that was built with these tests.
    static let vmlab = program("vmlab")

    /// A program that was built with these tests.
    static func program(_ name: String) -> String {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().path + "/" + name
    }

    /// Starts a program in this world.
    func start(_ words: [String], terminal: String? = nil) throws -> Program {
        try Program(words, environment: environment, log: "\(folder)/\(counter.next())", terminal: terminal)
    }

    /// Starts vmlab in this world.
    func vmlab(_ words: String...) throws -> Program { try start([Self.vmlab] + words) }

    /// Starts vmlab and waits for its end.
    func end(of words: String..., within limit: Duration = .hang) async throws -> Program {
        let program = try start([Self.vmlab] + words)
        _ = try await program.wait(limit)
        return program
    }

    /// A run that a program has begun, as soon as it says so.
    func run(of program: Program) async throws -> LabRun {
        let identifier = try await Poll.until("the run's id is printed") { () throws -> String? in
            let line = program.stdout.split(separator: "\n", omittingEmptySubsequences: false)
            if line.count > 1, line[0].hasPrefix("run ") { return String(line[0].dropFirst(4)) }
            if let end = program.end { throw Program.Failure(description: "\(program.words) began no run and \(end): \(program.stderr)") }
            return nil
        }
        return LabRun(world: self, identifier: identifier)
    }

    /// The runs that have a folder.
    func runs() -> [String] { runs(in: state + "/runs") }

    func runs(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0 != "latest" }.sorted()
    }

    /// The processes that descend from programs of this world.
    func processes() -> [HostProcess] { HostProcess.all().filter { $0.has(mark) } }
}

/// Numbers from 1.
final class Counter: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
