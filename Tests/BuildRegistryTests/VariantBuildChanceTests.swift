import Foundation
import Glibc
import LabEvents
import Testing

@testable import BuildRegistry

/// Builds in any order, several at once, that fail, are cancelled and are killed: nothing may ever be registered under another's id, and nothing that is registered
/// may change.
@Suite(.tier(.contract), .serialized, .timeLimit(.minutes(20)))
struct VariantBuildChanceTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let isLong = environment["VMLAB_SOAK"] == "1"

    /// Numbers that a seed decides (Marsaglia's xorshift64).
    private struct Chance: RandomNumberGenerator {
        var state: UInt64

        init() {
            let seed = VariantBuildChanceTests.environment["VMLAB_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
            print("chance: VMLAB_SEED=\(seed)")
            state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        }

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    private func behaviour(_ chance: inout Chance) -> KasWorld.Behaviour {
        var behaviour = KasWorld.Behaviour()
        behaviour.naming = ["new", "new", "old"].randomElement(using: &chance) ?? "new"
        behaviour.inPlace = Bool.random(using: &chance)
        behaviour.oldTimes = Bool.random(using: &chance)
        for profile in ["simple", "vlans", "bonding-vlans", "none"] where Int.random(in: 0..<4, using: &chance) == 0 {
            let node = profile == "none" ? "none" : ["server-1", "server-2"].randomElement(using: &chance) ?? ""
            behaviour.fail["\(profile)/\(node)"] = ["before", "middle", "after"].randomElement(using: &chance)
        }
        return behaviour
    }

    /// The index, and the digest of every file in the store.
    private func snapshot(_ world: KasWorld) async throws -> [String: [RegisteredImage]] {
        var images: [String: [RegisteredImage]] = [:]
        for variant in world.isar { images[variant.id] = try await world.registry.generations(of: variant.id) }
        return images
    }

    private func check(_ world: KasWorld, keeps before: [String: [RegisteredImage]]) async throws -> [String: [RegisteredImage]] {
        try await world.checkRegistered()
        let now = try await snapshot(world)
        for (id, images) in before {
            // Generations are added, the newest first, and never touched.
            #expect(now[id]?.suffix(images.count).elementsEqual(images) == true, "\(id)")
        }
        #expect(try await world.registry.verify().faults == [])
        return now
    }

    @Test func `orders, failures, cancellations and several at once`() async throws {
        var chance = Chance()
        try await KasWorld.with { world in
            var before = try await snapshot(world)
            for _ in 0..<(Self.isLong ? 60 : 5) {
                try world.behave(behaviour(&chance))
                let some = Array(world.isar.shuffled(using: &chance).prefix(Int.random(in: 1...6, using: &chance)))
                var options = VariantBuild.Options()
                options.jobs = Int.random(in: 1...4, using: &chance)
                options.isForced = Bool.random(using: &chance)
                let patience = Int.random(in: 1...30, using: &chance)
                let count = Counter()
                _ = try await withThrowingTaskGroup(of: VariantBuildReport?.self) { group in
                    let (events, submit) = AsyncStream.makeStream(of: Void.self)
                    group.addTask { [options] in
                        defer { submit.finish() }
                        return try? await world.build(some, options) { _ in if count.next() == patience { submit.yield() } }
                    }
                    // The event of a random number ends it all.
                    for await _ in events { group.cancelAll() }
                    return try await group.next()
                }
                before = try await check(world, keeps: before)
            }
            try world.behave(.init())
            let last = try await world.build(world.isar)
            #expect(last.isComplete)
            _ = try await check(world, keeps: before)
        }
    }

    @Test func `builds that are killed anywhere`() async throws {
        var chance = Chance()
        try await KasWorld.with { world in
            var before = try await snapshot(world)
            let kills = Self.environment["VMLAB_SOAK_KILLS"].flatMap { Int($0) } ?? (Self.isLong ? 50 : 5)
            for kill in 0..<kills {
                var behaviour = behaviour(&chance)
                behaviour.seconds = 0.05
                try world.behave(behaviour)
                let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
                defer { close(input) }
                let log = "\(world.folder)/kill.log"
                let child = try ChildProcess.start(
                    [
                        "/usr/bin/env", "VMLAB_CACHE=\(world.cache)", "VMLAB_IMAGES=\(world.folder)/images",
                        "PATH=\(world.folder)/bin:/usr/bin:/bin",
                        RegistryProcessTests.vmlab, "image", "build", "--machine", "qemuamd64", "--machine", "qemuarm64", "--jobs", "2",
                        "--force",
                    ], input: input, log: log)
                // When it comes is chance, and so is how far the other has come; nothing depends on it.
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...2500, using: &chance)))
                child.signal(SIGKILL)
                _ = await child.waitForExit()
                before = try await check(world, keeps: before)
                #expect(!before.isEmpty, "kill \(kill)")
            }
            try world.behave(.init())
            let last = try await world.build(world.isar)
            #expect(last.isComplete, "\(last.variants.compactMap(\.problem))")
            _ = try await check(world, keeps: before)
            _ = try await world.registry.collect()
            #expect(try await world.registry.verify().faults == [])
            // What was moved away by the killed ones is back, or removed.
            for variant in world.isar { #expect(!Folder.names(in: variant.outputFolder ?? "").contains { $0.hasPrefix(".vmlab") }) }
        }
    }

    /// Counts from several tasks.
    private final class Counter: Sendable {
        private let values = Recorder<Void>()

        func next() -> Int { values.append(()) }
    }
}
