import Foundation
import Glibc
import LabEvents
import Testing

@testable import BuildRegistry

/// What is registered stays as it was, and can be booted.
@Suite(.tier(.contract))
struct ImageRegistryTests {
    @Test func `a variant's files are kept, read-only, with where they come from`() async throws {
        try await RegistryFixture.with { fixture in
            let files = try fixture.outputs("one")
            let log = fixture.folder + "/build.log"
            try Folder.write("built\n", to: log)
            let variant = try fixture.variant("node=n1,machine=vm")
            var provenance = Provenance(builder: "isar", builderDigest: "b", container: "c", chain: ["a.yml"], revision: "r", isDirty: true)
            provenance.buildSeconds = 3
            let outcome = try await fixture.registry.register(
                ImageRegistration(variant: variant, files: files, provenance: provenance, log: log))
            #expect(!outcome.isUnchanged)
            let image = try await fixture.registry.image(variant.id)
            #expect(image == outcome.image)
            #expect(image.generation == 1)
            #expect(image.provenance == provenance)
            #expect(image.firmwares == [.uefi, .bios])
            #expect(try String(contentsOfFile: fixture.registry.object(try #require(image.log)), encoding: .utf8) == "built\n")
            for artifact in image.artifacts {
                let path = fixture.registry.object(artifact.sha256)
                #expect(try Digest.sha256(ofFile: path) == artifact.sha256)
                #expect(FileManager.default.contents(atPath: path) == FileManager.default.contents(atPath: files[artifact.name] ?? ""))
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o444)
                // No link to a file that a builder can write.
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.referenceCount] as? Int == 1)
            }
            #expect(Folder.names(in: fixture.registry.staging) == [])
            let bootable = try await fixture.registry.bootable(variant.id)
            #expect(bootable.disk?.path == fixture.registry.object(try #require(image.artifact(.wic)).sha256))
            #expect(bootable.disk?.format == .raw)
            #expect(bootable.disk?.virtualBytes == 1 << 20)
            #expect(bootable.digest == image.digest)
        }
    }

    @Test func `zeros become holes, and count`() async throws {
        try await RegistryFixture.with { fixture in
            let files = try fixture.outputs("one")
            let wic = try #require(files["wic"])
            #expect(truncate(wic, 256 << 20) == 0)
            let image = try await fixture.register("node=n1,machine=vm", files: files).image
            let stored = fixture.registry.object(try #require(image.artifact(.wic)).sha256)
            #expect(Folder.size(stored) == 256 << 20)
            #expect(FileUse.allocatedBytes(stored) < 32 << 20)
            #expect(try await fixture.registry.verify().faults == [])
        }
    }

    @Test func `the same bytes change nothing, others are a new generation beside the old`() async throws {
        try await RegistryFixture.with { fixture in
            let name = "node=n1,machine=vm"
            let first = try await fixture.register(name, "one").image
            let again = try await fixture.register(name, "one")
            #expect(again == RegistrationOutcome(image: first, isUnchanged: true))
            let second = try await fixture.register(name, "two").image
            #expect(second.generation == 2)
            #expect(second.digest != first.digest)
            let id = first.variant
            #expect(try await fixture.registry.image(id) == second)
            #expect(try await fixture.registry.image(id, generation: 1) == first)
            #expect(try await fixture.registry.bootable(id, digest: first.digest).digest == first.digest)
            #expect(try await fixture.registry.verify().files == 3)
            // The kernel is in both.
            #expect(fixture.objects.count == 3)
            let dry = try await fixture.registry.collect(isDryRun: true)
            #expect(dry.generations == ["\(id)#1"])
            #expect(dry.objects == [first.artifact(.wic)?.sha256])
            #expect(fixture.objects.count == 3)
            #expect(try await fixture.registry.collect() == dry)
            #expect(fixture.objects.count == 2)
            #expect(try await fixture.registry.generations(of: id) == [second])
            let problem = await #expect(throws: Problem.self) { try await fixture.registry.bootable(id, digest: first.digest) }
            #expect(problem?.what.contains(first.digest) == true)
            // Numbers are not given twice.
            #expect(try await fixture.register(name, "one").image.generation == 3)
        }
    }

    @Test func `a generation on which a machine runs stays`() async throws {
        try await RegistryFixture.with { fixture in
            let name = "node=n1,machine=vm"
            let first = try await fixture.register(name, "one").image
            try await fixture.register(name, "two")
            let file = open(fixture.registry.object(try #require(first.artifact(.wic)).sha256), O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            // As QEMU does: a shared lock of the open description on byte 100 (F_OFD_SETLK is 37).
            var lock = flock(l_type: Int16(F_RDLCK), l_whence: Int16(SEEK_SET), l_start: 100, l_len: 1, l_pid: 0)
            #expect(fcntl(file, 37, &lock) == 0)
            #expect(try await fixture.registry.collect().inUse == ["\(first.variant)#1"])
            #expect(try await fixture.registry.verify().faults == [])
            lock.l_type = Int16(F_UNLCK)
            #expect(fcntl(file, 37, &lock) == 0)
            #expect(try await fixture.registry.collect().generations == ["\(first.variant)#1"])
        }
    }

    @Test func `what is not registered says the command that makes it`() async throws {
        try await RegistryFixture.with { fixture in
            let id = try fixture.variant("node=n2").id
            for _ in 0..<2 {
                let problem = await #expect(throws: Problem.self) { try await fixture.registry.bootable(id) }
                #expect(problem?.remedy == "vmlab image build --variant server@machine=vm,profile=none,node=n2,boot=uefi,arch=amd64")
                try await fixture.register("node=n1,machine=vm", "one")
            }
            #expect(try await fixture.registry.resolve("node=n2", in: fixture.matrix) == id)
            #expect(try await fixture.registry.resolve("machine=vm", in: nil).contains("node=n1"))
            await #expect(throws: Problem.self) { try await fixture.registry.resolve("node=n9", in: fixture.matrix) }
            await #expect(throws: Problem.self) { try await fixture.registry.resolve("node=n9", in: nil) }
        }
    }

    @Test func `an empty registry is no error`() async throws {
        try await RegistryFixture.with { fixture in
            let (images, verification) = (try await fixture.registry.images(), try await fixture.registry.verify())
            let collection = try await fixture.registry.collect()
            #expect(images == [])
            #expect(verification == RegistryVerification())
            #expect(collection == RegistryCollection())
            #expect(!Folder.exists(fixture.registry.folder))
            // As the first registration leaves it that was killed while it made the index.
            try Folder.write("", to: fixture.registry.indexFile)
            let none = try await fixture.registry.images()
            #expect(none == [])
            try await fixture.register("node=n1,machine=vm", "one")
            let one = try await fixture.registry.images()
            #expect(one.count == 1)
        }
    }

    @Test func `damage is found, named, and healed by registering again`() async throws {
        try await RegistryFixture.with { fixture in
            let name = "node=n1,machine=vm"
            let image = try await fixture.register(name, "one").image
            let (wic, kernel) = (try #require(image.artifact(.wic)), try #require(image.artifact(.kernel)))
            let path = fixture.registry.object(wic.sha256)
            chmod(path, 0o644)
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            try file.seek(toOffset: 70000)
            try file.write(contentsOf: Data([7]))
            try file.close()
            Folder.remove(fixture.registry.object(kernel.sha256))
            let faults = try await fixture.registry.verify().faults
            #expect(faults.map(\.artifact) == ["kernel", "wic"])
            #expect(faults.allSatisfy { $0.image == "\(image.variant)#1" })
            #expect(faults.first?.reason == "the file is missing")
            #expect(faults.last?.reason.hasPrefix("it has the SHA-256 ") == true)
            let problem = await #expect(throws: Problem.self) { try await fixture.registry.bootable(image.variant) }
            #expect(problem?.why == "the kernel has no file instead of 4096 bytes")
            try await fixture.register(name, "one")
            #expect(try await fixture.registry.verify().faults == [])
        }
    }

    @Test func `an index that is damaged is one clear error`() async throws {
        try await RegistryFixture.with { fixture in
            try await fixture.register("node=n1,machine=vm", "one")
            try Folder.write(String(repeating: "no database ", count: 1000), to: fixture.registry.indexFile)
            for suffix in ["-wal", "-shm"] { Folder.remove(fixture.registry.indexFile + suffix) }
            let problem = await #expect(throws: Problem.self) { try await fixture.registry.images() }
            #expect(problem?.what == "the registry's index is damaged")
            #expect(problem?.location == fixture.registry.indexFile)
            #expect(problem?.remedy?.contains("vmlab image import") == true)
        }
    }

    @Test func `what killed registrations left is swept, what is at work stays`() async throws {
        try await RegistryFixture.with { fixture in
            try await fixture.register("node=n1,machine=vm", "one")
            let registry = fixture.registry
            try Folder.write("half", to: registry.staging + "/dead/output-wic")
            let orphan = String(repeating: "a", count: 64)
            try Folder.write("orphan", to: registry.object(orphan))
            try await registry.withStaging { folder in
                try Folder.write("half", to: folder + "/output-wic")
                let collection = try await registry.collect()
                #expect(collection.unfinished == 1)
                #expect(collection.objects == [orphan])
                #expect(Folder.exists(folder + "/output-wic"))
            }
            #expect(Folder.names(in: registry.staging) == [])
            #expect(fixture.objects.count == 2)
        }
    }
}
