import Foundation
import Glibc
import LabEvents
import Testing

@testable import BuildRegistry

/// The wrong file is never registered, and a refusal leaves the registry as it was.
@Suite(.tier(.contract))
struct RegistryRefusalTests {
    /// Registers what must be refused.
    private func refusal(_ fixture: RegistryFixture, _ name: String, _ files: [String: String]) async throws -> Problem {
        let before = try await fixture.registry.images()
        let problem = try await #require(throws: Problem.self) { try await fixture.register(name, files: files) }
        #expect(try await fixture.registry.images() == before)
        #expect(Folder.names(in: fixture.registry.staging) == [])
        return problem
    }

    @Test func `the same bytes under another id are refused, shared kernels are not`() async throws {
        try await RegistryFixture.with { fixture in
            let first = try await fixture.register("node=n1,machine=vm", "one").image
            let problem = try await refusal(fixture, "node=n2", try fixture.outputs("one"))
            #expect(problem.what.hasSuffix("the output 'wic' is another variant's"))
            #expect(problem.why?.contains(first.variant) == true)
            #expect(problem.remedy?.contains("FM-3") == true)
            // Also when the other has newer ones.
            try await fixture.register("node=n1,machine=vm", "two")
            _ = try await refusal(fixture, "node=n2", try fixture.outputs("one"))
            try await fixture.register("node=n2", "three")
            #expect(try await fixture.registry.images().count == 2)
        }
    }

    @Test func `sharing needs agreement in the declared axes, on both sides`() async throws {
        let yaml = """
            groups:
              - name: edge
                builder: import
                axes: {role: [server], machine: [one, two], node: [n1, n2], boot: [direct], arch: [amd64]}
                outputs:
                  kernel: {patterns: [k], format: kernel, size: 1K-1M, shared: [machine]}
              - name: strict
                builder: import
                axes: {role: [agent], machine: [one], boot: [direct], arch: [amd64]}
                outputs:
                  kernel: {patterns: [k], format: kernel, size: 1K-1M}
            """
        try await RegistryFixture.with(yaml) { fixture in
            let kernel = ["kernel": try #require(try fixture.outputs("one")["kernel"])]
            let image = try await fixture.register("server@machine=one,node=n1", files: kernel).image
            #expect(image.firmwares == [.direct])
            try await fixture.register("server@machine=one,node=n2", files: kernel)
            _ = try await refusal(fixture, "server@machine=two,node=n1", kernel)
            _ = try await refusal(fixture, "agent", kernel)
        }
    }

    @Test func `a kernel for another architecture is refused`() async throws {
        try await RegistryFixture.with { fixture in
            let problem = try await refusal(fixture, "node=n1,machine=vm", try fixture.outputs("one", kernel: Bytes.image))
            #expect(problem.what.hasSuffix("the output 'kernel' is for the wrong architecture"))
            #expect(problem.why == "it is for arm64, the variant is for amd64")
            #expect(problem.remedy?.contains("FM-7") == true)
            try await fixture.register("machine=board", "one", kernel: Bytes.image)
        }
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var output: String
        var bytes: [UInt8]
        var what: String
        var why: String
        var testDescription: String { "\(output): \(why)" }
    }

    @Test(arguments: [
        Wrong(
            output: "wic", bytes: [UInt8](repeating: 1, count: 8192), what: "is not in the format 'wic'",
            why: "it has no partition table (neither MBR nor GPT)"),
        Wrong(
            output: "wic", bytes: [0x1F, 0x8B] + [UInt8](repeating: 1, count: 8192), what: "is not in the format 'wic'",
            why: "the disk image is compressed by gzip: raw, .wic and qcow2 are understood"),
        Wrong(
            output: "wic", bytes: Array(Bytes.disk("x", bytes: 2048)[..<1000]), what: "has an unexpected size",
            why: "it has 1000 bytes, 1024 to 536870912 are expected"),
        Wrong(
            output: "kernel", bytes: Array(repeating: 65, count: 4096), what: "is not in the format 'kernel'",
            why: "it is neither a bzImage, an Image, an EFI program nor ELF"),
        Wrong(
            output: "kernel", bytes: Bytes.elf(243), what: "is for the wrong architecture",
            why: "it is for riscv64, the variant is for amd64"),
        Wrong(
            output: "kernel", bytes: Bytes.elf(8), what: "is for the wrong architecture",
            why: "it is for another machine (ELF 8), the variant is for amd64"),
    ])
    func `a file that is not what it must be is refused`(wrong: Wrong) async throws {
        try await RegistryFixture.with { fixture in
            let files = try fixture.outputs("one")
            try Data(wrong.bytes).write(to: URL(filePath: files[wrong.output] ?? ""))
            let problem = try await refusal(fixture, "node=n1,machine=vm", files)
            #expect(problem.what.hasSuffix("the output '\(wrong.output)' \(wrong.what)"))
            #expect(problem.why == wrong.why)
            #expect(problem.kind == .failure)
        }
    }

    @Test func `a missing, an unknown and an unreadable output are refused`() async throws {
        try await RegistryFixture.with { fixture in
            var files = try fixture.outputs("one")
            #expect(
                try await refusal(fixture, "node=n1,machine=vm", ["wic": files["wic"] ?? ""]).what.hasSuffix(
                    "the output 'kernel' is missing"))
            files["extra"] = files["wic"]
            #expect(try await refusal(fixture, "node=n1,machine=vm", files).what.hasSuffix("has no output 'extra'"))
            files["extra"] = nil
            files["wic"] = fixture.folder
            #expect(try await refusal(fixture, "node=n1,machine=vm", files).what == "what is to be registered is not a file")
            files["wic"] = fixture.folder + "/nothing"
            #expect(try await refusal(fixture, "node=n1,machine=vm", files).what == "a file cannot be read")
        }
    }

    @Test func `a file that is written to meanwhile is refused`() async throws {
        try await withTemporaryFolder { folder in
            let source = folder + "/source"
            try Data([UInt8](repeating: 1, count: 6 << 20)).write(to: URL(filePath: source))
            // Where the file system shares blocks, the copy is made at once.
            guard try !ArtifactCopy.copy(source, to: folder + "/first", BlockingCall.Cancellation()).isReflink else { return }
            var isWritten = false
            let problem = #expect(throws: Problem.self) {
                try ArtifactCopy.copy(source, to: folder + "/second", BlockingCall.Cancellation()) { _ in
                    guard !isWritten else { return }
                    isWritten = true
                    let file = open(source, O_WRONLY | O_APPEND | O_CLOEXEC)
                    defer { close(file) }
                    _ = write(file, "x", 1)
                }
            }
            #expect(problem?.what == "the file changed while it was registered")
            let copy = try ArtifactCopy.copy(source, to: folder + "/third", BlockingCall.Cancellation())
            #expect(copy.sha256 == (try Digest.sha256(ofFile: source)))
        }
    }

    @Test func `a copy that nobody wants any more ends, and a device is no file`() async throws {
        try await withTemporaryFolder { folder in
            try Folder.write("one", to: folder + "/source")
            let cancellation = BlockingCall.Cancellation()
            cancellation.cancel()
            #expect(throws: CancellationError.self) { try ArtifactCopy.copy(folder + "/source", to: folder + "/cancelled", cancellation) }
            #expect(throws: Problem.self) { try ArtifactCopy.copy("/dev/zero", to: folder + "/device", BlockingCall.Cancellation()) }
        }
    }

    static let programs = """
        groups:
          - name: edge
            builder: import
            axes: {role: [server], machine: [vm], node: [n1, n2], boot: [uefi], arch: [amd64]}
            outputs:
              wic: {patterns: ["*.wic"], format: wic, size: 1K-512M, programs: [/usr/bin/k3s]}
          - name: flash
            builder: import
            axes: {role: [agent], machine: [board], boot: [flash], arch: [arm64]}
            outputs:
              rootfs: {patterns: ["*.tar.gz"], format: archive, size: 16-512M, programs: [/usr/bin/k3s]}
        """

    /// A disk with an empty partition and an ext4 one, with this program in it.
    private func disk(_ program: [UInt8]?, _ path: String) async throws {
        let tree = path + ".tree"
        try Folder.create(tree + "/usr/bin")
        if let program { try Data(program).write(to: URL(filePath: tree + "/usr/bin/k3s")) }
        let runner = ToolRunner(tools: HostTools())
        try Folder.makeSparse(path, bytes: 8 << 20)
        try await runner.run(["sfdisk", "--quiet", path], input: "label: gpt\nstart=1MiB, size=1MiB, type=uefi\nstart=2MiB, size=4MiB\n")
        try await runner.run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", "offset=2097152", "-d", tree, path, "4M"])
    }

    @Test func `a program inside a disk must be the variant's`() async throws {
        try await RegistryFixture.with(Self.programs) { fixture in
            let path = fixture.folder + "/disk.wic"
            try await disk(Bytes.elf(183), path)
            let wrong = try await refusal(fixture, "server@node=n1", ["wic": path])
            #expect(wrong.what.hasSuffix("the output 'wic' is for the wrong architecture"))
            #expect(wrong.location == path + ":/usr/bin/k3s")
            try await disk(nil, fixture.folder + "/empty.wic")
            let missing = try await refusal(fixture, "server@node=n1", ["wic": fixture.folder + "/empty.wic"])
            #expect(missing.what.hasSuffix("the output 'wic' lacks the program /usr/bin/k3s"))
            try await disk(Array("#!/bin/sh\n".utf8), fixture.folder + "/script.wic")
            let script = try await refusal(fixture, "server@node=n1", ["wic": fixture.folder + "/script.wic"])
            #expect(script.what.hasSuffix("has a program that is not ELF"))
            try await disk(Bytes.elf(62), fixture.folder + "/good.wic")
            #expect(try await fixture.register("server@node=n1", files: ["wic": fixture.folder + "/good.wic"]).image.firmwares == [.uefi])
        }
    }

    @Test func `a program inside an archive must be the variant's`() async throws {
        try await RegistryFixture.with(Self.programs) { fixture in
            func archive(_ machine: Int, _ name: String, _ member: String) async throws -> [String: String] {
                let tree = "\(fixture.folder)/\(name)"
                try Folder.create(tree + "/usr/bin")
                try Data(Bytes.elf(machine)).write(to: URL(filePath: tree + "/usr/bin/k3s"))
                try await ToolRunner(tools: HostTools()).run(["tar", "-czf", tree + ".tar.gz", "-C", tree, member])
                return ["rootfs": tree + ".tar.gz"]
            }
            #expect(
                try await refusal(fixture, "agent", try await archive(62, "wrong", ".")).what
                    .hasSuffix("the output 'rootfs' is for the wrong architecture"))
            let image = try await fixture.register("agent", files: try await archive(183, "right", ".")).image
            #expect(image.firmwares == [])
            try await fixture.register("agent", files: try await archive(183, "plain", "usr"))
            let problem = await #expect(throws: Problem.self) { try await fixture.registry.bootable(image.variant) }
            #expect(problem?.what == "no lab can boot \(image.variant)")
        }
    }

    @Test(.enabled(if: HostLimitTests.canMount, "needs the right to mount a tmpfs"))
    func `a full disk is named, and nothing is half registered`() async throws {
        try await RegistryFixture.with { fixture in
            let runner = ToolRunner(tools: HostTools())
            try Folder.create(fixture.cache)
            try await runner.run(["mount", "-t", "tmpfs", "-o", "size=6m", "vmlab-test", fixture.cache])
            let outcome: Result<Void, any Error>
            do {
                try await fixture.register("node=n1,machine=vm", "one")
                let large = try fixture.outputs("two")
                try Data([UInt8](repeating: 1, count: 16 << 20)).write(to: URL(filePath: large["wic"] ?? ""))
                let problem = try await refusal(fixture, "node=n2", large)
                #expect(problem.key == .diskFull)
                #expect(problem.remedy?.contains("VMLAB_CACHE") == true)
                #expect(try await fixture.registry.verify().faults == [])
                outcome = .success(())
            } catch { outcome = .failure(error) }
            try await runner.run(["umount", fixture.cache])
            try outcome.get()
        }
    }
}
