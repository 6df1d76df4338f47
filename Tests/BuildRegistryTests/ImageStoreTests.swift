import Foundation
import LabEvents
import Subprocess
import Synchronization
import Testing

@testable import BuildRegistry

@Suite(.tier(.contract))
struct ImageStoreTests {
    @Test func theKeyFollowsWhatDecidesTheImageAndNothingElse() throws {
        let (store, description) = (makeStore("/nowhere"), try minimalDescription())
        let key = try store.key(for: description)
        // A new encoding would throw every built image away; so it shall not happen unnoticed.
        #expect(key == "3e435b126fa0222d71828a7f8bf167f150d956e60f3e0fb3acdcb46837a2903e")
        var other = description
        (other.intent, other.buildSpaceMiB, other.packages["ubuntu"]) = ("Other words.", 5, ["linux-image-virtual"])
        #expect(try store.key(for: other) == key)
        other.files[0].content += "\n"
        #expect(try store.key(for: other) != key)
        #expect(try makeStore("/nowhere", QuickBuilder(version: "2")).key(for: description) != key)
        let trixie = ImageStore(
            cache: "/nowhere", builder: QuickBuilder(), tools: HostTools(), host: { HostDistribution(id: "debian", codename: "trixie") })
        #expect(try trixie.key(for: description) != key)
    }

    @Test func ofManyCallersOneBuilds() async throws {
        try await withTemporaryFolder { cache in
            let builds = Recorder<String>()
            let description = try minimalDescription()
            let images = try await withThrowingTaskGroup(of: BootableImage.self) { group in
                for _ in 0..<12 {
                    // A store of its own for each, so that nothing but the file system joins them.
                    group.addTask { try await makeStore(cache, QuickBuilder { builds.append($0) }).image(for: description) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(builds.all.count == 1)
            #expect(Set(images.compactMap(\.digest)).count == 1)
            let record = try #require(makeStore(cache).list().first)
            #expect(record.name == "tiny")
            #expect(record.parts["kernel"]?.bytes == Int64("the kernel of tiny".utf8.count))
            #expect(images[0].kernel == makeStore(cache).folder(key: record.key) + "/kernel")
        }
    }

    @Test func anotherProcessIsWaitedForAndNamed() async throws {
        try await withTemporaryFolder { cache in
            let (store, description) = (makeStore(cache), try minimalDescription())
            let lock = "\(cache)/locks/\(try store.key(for: description)).lock"
            try Folder.write("4711\n", to: lock)
            let events = Recorder<ImageBuildEvent>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (waiting, waits) = AsyncStream<Void>.makeStream()
                let (held, holds) = AsyncStream<Void>.makeStream()
                group.addTask {
                    // Holds the lock until it is told that somebody waits for it.
                    _ = try await Subprocess.run(
                        .name("flock"), arguments: [lock, "sh", "-c", "echo held; cat"], input: .inputWriter, output: .sequence,
                        error: .discarded
                    ) { execution in
                        for try await _ in execution.standardOutput.strings() {
                            holds.finish()
                            for await _ in waiting {}
                            try await execution.standardInputWriter.finish()
                        }
                    }
                }
                for await _ in held {}
                group.addTask {
                    _ = try await store.image(for: description) { event in
                        events.append(event)
                        if case .waiting = event { waits.finish() }
                    }
                }
                try await group.waitForAll()
            }
            #expect(events.all.first == .waiting(image: "tiny", holder: "4711"))
            #expect(events.all.contains { if case .finished = $0 { true } else { false } })
        }
    }

    @Test func errorsLeaveNothingBehind() async throws {
        try await withTemporaryFolder { cache in
            let failing = QuickBuilder { folder in
                try Folder.write("half", to: folder + "/work/half")
                throw Problem(.failure, "broken")
            }
            await #expect(throws: Problem.self) { try await makeStore(cache, failing).image(for: minimalDescription()) }
            #expect(Folder.names(in: cache + "/images") == [])
        }
    }

    @Test(.timeLimit(.minutes(5))) func cancellingEndsTheToolsAndLeavesNothingBehind() async throws {
        try await withTemporaryFolder { cache in
            let (lines, started) = AsyncStream<String>.makeStream()
            let endless = QuickBuilder { folder in
                try Folder.write("half", to: folder + "/half")
                _ = try await ToolRunner(tools: HostTools()).outcome(["sh", "-c", "echo $$; sleep 600"]) { started.yield($0) }
            }
            let pid = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await makeStore(cache, endless).image(for: minimalDescription()) }
                var line: String?
                for await first in lines {
                    line = first
                    break
                }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
                return try #require(line)
            }
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
            #expect(Folder.names(in: cache + "/images") == [])
            // The lock is free again.
            _ = try await makeStore(cache).image(for: minimalDescription())
        }
    }

    @Test func leftoversOfKilledBuildsGoAndThoseOfRunningOnesStay() async throws {
        try await withTemporaryFolder { cache in
            let (store, description) = (makeStore(cache), try minimalDescription())
            let key = try store.key(for: description)
            for name in [".building-\(key)-1", ".building-dead-2", ".building-alive-3"] {
                try Folder.write("half", to: "\(cache)/images/\(name)/work/half")
            }
            try await FileLock.withLock(
                cache + "/locks/alive.lock", runner: ToolRunner(tools: HostTools()), waiting: { _ in },
                body: { _ = try await store.image(for: description) })
            #expect(Folder.names(in: cache + "/images") == [".building-alive-3", key])
        }
    }

    @Test func aDamagedImageIsNoticedAndBuiltAnew() async throws {
        try await withTemporaryFolder { cache in
            let (store, description) = (makeStore(cache), try minimalDescription())
            let key = try store.key(for: description)
            let image = try await store.image(for: description)
            let kernel = try #require(image.kernel)

            // Same size, other byte: only a full check sees it.
            try Folder.write("The kernel of tiny", to: kernel)
            #expect(try await store.image(for: description) == image)
            let problem = try await #require(throws: Problem.self) { try await store.verify(key: key) }
            #expect(problem.why == "the kernel has another SHA-256 than recorded")

            try Folder.write("short", to: kernel)
            #expect(store.list() == [])
            let events = Recorder<ImageBuildEvent>()
            #expect(try await store.image(for: description) { events.append($0) } == image)
            #expect(events.all.first == .damaged(image: "tiny", reason: "the kernel has 5 bytes instead of 18 bytes"))
            try await store.verify(key: key)

            try await store.remove(key: key)
            #expect(store.list() == [])
        }
    }
}
