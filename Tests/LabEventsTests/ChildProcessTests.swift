import Foundation
import Glibc
import LabEvents
import Testing

@Suite("Child processes", .tier(.contract)) struct ChildProcessTests {
    /// Runs a body with a pipe and a log; the pipe is closed and the folder removed after it.
    private func withPipe(_ body: (_ input: Int32, _ writeEnd: Int32, _ log: String) async throws -> Void) async throws {
        let log = (ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp") + "/child-\(UUID().uuidString.prefix(8)).log"
        defer { unlink(log) }
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { for end in ends { close(end) } }
        try await body(ends[0], ends[1], log)
    }

    private func start(_ script: String, _ input: Int32, _ log: String) throws -> ChildProcess {
        try ChildProcess.start(["/bin/sh", "-c", script], input: input, log: log)
    }

    @Test func `a child's exit is known to all who wait, and to those who come late`() async throws {
        try await withPipe { input, writeEnd, log in
            let child = try start("read line; echo \"$line to $LC_ALL\"; echo error >&2; exit 7", input, log)
            #expect(child.exit == nil)
            await withTaskGroup(of: ProcessExit?.self) { group in
                for _ in 0..<5 { group.addTask { await child.waitForExit() } }
                _ = "said\n".withCString { write(writeEnd, $0, 5) }
                for await exit in group { #expect(exit == .exited(7)) }
            }
            #expect(await child.waitForExit() == .exited(7))
            #expect(await child.end() == .exited(7))
            #expect(ProcessRecord.startTime(pid: child.record.pid) == nil, "it is reaped")
            #expect(try String(contentsOfFile: log, encoding: .utf8) == "said to C\nerror\n")
        }
    }

    @Test func `a child leads its own session and gets no descriptor of ours`() async throws {
        try await withPipe { input, _, log in
            let leaked = dup(input)
            defer { close(leaked) }
            let child = try start("ls /proc/$$/fd; cut -d' ' -f6 /proc/$$/stat", input, log)
            #expect(await child.waitForExit() == .exited(0))
            let words = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
            #expect(words == ["0", "1", "2", "\(child.record.pid)"])
        }
    }

    @Test func `signals name themselves, and a cancelled wait ends while the child lives`() async throws {
        try await withPipe { input, _, log in
            let child = try start("exec sleep 60", input, log)
            await withTaskGroup(of: ProcessExit?.self) { group in
                group.addTask { await child.waitForExit() }
                group.cancelAll()
                for await exit in group { #expect(exit == nil) }
            }
            #expect(child.exit == nil)
            child.signal(SIGKILL)
            #expect(await child.waitForExit() == .signalled(SIGKILL))
            child.signal(SIGKILL)
        }
    }

    @Test func `ending outlasts cancellation and stubbornness, with the whole group`() async throws {
        try await withPipe { input, _, log in
            let child = try start("trap '' TERM; sleep 60 & echo $!; while :; do wait; done", input, log)
            while !(try String(contentsOfFile: log, encoding: .utf8)).hasSuffix("\n") { try await Task.sleep(for: .milliseconds(2)) }
            let begin = ContinuousClock.now
            await withTaskGroup(of: ProcessExit?.self) { group in
                group.addTask { await child.end(after: .milliseconds(30), patience: .milliseconds(60)) }
                group.cancelAll()
                for await exit in group { #expect(exit == .signalled(SIGKILL)) }
            }
            #expect(begin.duration(to: .now) >= .milliseconds(90))
            let sleeper = try #require(
                Int32(String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").first.map(String.init) ?? ""))
            // An orphan, so it is reaped by someone else: what counts is that it does not run.
            let state = try? String(contentsOfFile: "/proc/\(sleeper)/stat", encoding: .utf8)
            #expect(state?.contains(") S") != true)
        }
    }

    @Test func `what cannot be started says so`() async throws {
        try await withPipe { input, _, log in
            let absent = #expect(throws: Problem.self) { try ChildProcess.start(["/no/such"], input: input, log: log) }
            #expect(absent?.why == "No such file or directory")
            #expect(absent?.location == "/no/such")
            let folder = #expect(throws: Problem.self) { try ChildProcess.start(["/bin/true"], input: input, log: "/no/such/log") }
            #expect(folder?.location == "/no/such/log")
            #expect(throws: Problem.self) { try ChildProcess.start([], input: input, log: log) }
        }
    }

    /// A child that nobody here watches, as an exec of this process leaves one behind.
    private func orphan(_ script: String) throws -> ProcessRecord {
        let command = ["/bin/sh", "-c", script]
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The threads that run tests block signals, and a child inherits that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: Int32 = 0
        try #require(posix_spawn(&pid, "/bin/sh", nil, &attributes, &arguments, nil) == 0)
        return ProcessRecord(pid: pid, command: command)
    }

    @Test(arguments: [("exit 3", ProcessExit.exited(3)), ("kill -9 $$", .signalled(9)), ("exec sleep 60", .signalled(15))])
    func `an attached child is watched, ended and reaped`(_ script: String, _ exit: ProcessExit) async throws {
        let record = try orphan(script)
        let child = try ChildProcess.attach(record)
        #expect(child.record == record)
        if exit == .signalled(15) { await child.end() }
        #expect(await child.waitForExit() == exit)
        #expect(ProcessRecord.startTime(pid: record.pid) == nil)
    }

    @Test func `only the very process that is meant is attached`() async throws {
        let record = try orphan("exec sleep 60")
        var other = record
        other.startTime += 1
        #expect(throws: Problem.self) { try ChildProcess.attach(other) }
        other.pid = Int32.max
        #expect(throws: Problem.self) { try ChildProcess.attach(other) }
        let parent = ProcessRecord(pid: getppid(), command: [])
        let problem = #expect(throws: Problem.self) { try ChildProcess.attach(parent) }
        #expect(problem?.why?.contains("not a child") == true)
        let child = try ChildProcess.attach(record)
        await child.end()
        #expect(throws: Problem.self) { try ChildProcess.attach(record) }
    }

    @Test func `an end that somebody else was told is an end`() async throws {
        let record = try orphan("read line; sleep 0.1")
        let child = try ChildProcess.attach(record)
        var status: Int32 = 0
        let reaped = waitpid(record.pid, &status, 0)
        let exit = await child.waitForExit()
        #expect(reaped == record.pid ? exit == .unknown : exit == .exited(0))
    }
}
