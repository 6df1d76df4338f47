import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

@Suite(.tier(.contract))
struct ForeignImageTests {
    /// Makes a disk of 8 MiB with the partitions of an sfdisk script.
    private func disk(_ path: String, _ script: String, bootCode: Bool = false) async throws {
        try Folder.makeSparse(path, bytes: 8 << 20)
        let runner = ToolRunner(tools: HostTools())
        try await runner.run(["sfdisk", "--quiet", path], input: script)
        if bootCode { try await runner.run(["dd", "of=\(path)", "conv=notrunc"], input: "\u{1}\u{2}boot") }
    }

    private let gpt = "label: gpt\nsize=2MiB, type=U\nsize=2MiB, type=L\n"

    private func problem(_ path: String?, _ hints: ForeignImage.Hints = .init()) async throws -> Problem {
        try await #require(throws: Problem.self) { try await ForeignImage.inspect(path, hints: hints) }
    }

    @Test func wicAndQcow2WithASystemPartitionBootUEFI() async throws {
        try await withTemporaryFolder { folder in
            let wic = folder + "/a.wic"
            try await disk(wic, gpt)
            let raw = try await ForeignImage.inspect(wic)
            #expect(raw.name == "a.wic")
            #expect(raw.disk == .init(path: wic, format: .raw, virtualBytes: 8 << 20))
            #expect(raw.firmwares == [.uefi])
            #expect(raw.digest?.count == 64)

            let qcow2 = folder + "/named-wrongly.img"
            try await ToolRunner(tools: HostTools()).run(["qemu-img", "convert", "-O", "qcow2", wic, qcow2])
            let converted = try await ForeignImage.inspect(qcow2)
            #expect(converted.disk == .init(path: qcow2, format: .qcow2, virtualBytes: 8 << 20))
            #expect(converted.firmwares == [.uefi])
            #expect(converted.digest != raw.digest)
        }
    }

    @Test func bootCodeMeansBIOSAndAnMBRCanHaveASystemPartition() async throws {
        try await withTemporaryFolder { folder in
            try await disk(folder + "/bios.img", "label: dos\ntype=83\n", bootCode: true)
            #expect(try await ForeignImage.inspect(folder + "/bios.img").firmwares == [.bios])
            try await disk(folder + "/both.img", "label: dos\nsize=2MiB, type=ef\ntype=83\n", bootCode: true)
            #expect(try await ForeignImage.inspect(folder + "/both.img").firmwares == [.bios, .uefi])
        }
    }

    @Test func aKernelMakesAnythingBootDirectly() async throws {
        try await withTemporaryFolder { folder in
            for name in ["kernel", "initrd", "root.ext4"] { try Folder.write(String(repeating: name, count: 100), to: "\(folder)/\(name)") }
            var hints = ForeignImage.Hints()
            (hints.kernel, hints.initrd, hints.commandLine) = (folder + "/kernel", folder + "/initrd", "root=/dev/vda")
            let image = try await ForeignImage.inspect(folder + "/root.ext4", hints: hints)
            #expect(image.firmwares == [.direct])
            #expect(image.commandLine == "root=/dev/vda")
            #expect(try await ForeignImage.inspect(nil, hints: hints).disk == nil)

            hints.kernel = folder + "/nothing"
            #expect(try await problem(nil, hints).what == "there is no such kernel")
            hints.kernel = nil
            #expect(try await problem(nil, hints).what.contains("without a kernel"))
        }
    }

    @Test func whatIsNoImageIsSaid() async throws {
        try await withTemporaryFolder { folder in
            try Folder.write("", to: folder + "/empty")
            try Folder.write(String(repeating: "text ", count: 1000), to: folder + "/text")
            try await ToolRunner(tools: HostTools()).run(["gzip", "-k", folder + "/text"])
            for (path, words) in [
                (folder + "/missing", "no such disk image"), (folder, "is not a file"), (folder + "/empty", "is empty"),
                (folder + "/text", "nothing on the disk image can be booted"), (folder + "/text.gz", "compressed by gzip"),
                ("/dev/null", "is not a file"),
            ] {
                let problem = try await problem(path)
                #expect(problem.what.contains(words))
                #expect(problem.exitCode == 2)
                #expect(problem.location == path)
                #expect(problem.remedy != nil)
            }
        }
    }

    @Test func truncatedAndCorruptImagesAreRefused() async throws {
        try await withTemporaryFolder { folder in
            let runner = ToolRunner(tools: HostTools())
            let (raw, qcow2) = (folder + "/raw", folder + "/qcow2")
            try await disk(raw, gpt)
            try await runner.run(["dd", "if=/dev/urandom", "of=\(raw)", "bs=1M", "seek=4", "count=2", "conv=notrunc"])
            try await runner.run(["qemu-img", "convert", "-O", "qcow2", raw, qcow2])

            try await runner.run(["truncate", "-s", "6M", raw])
            #expect(try await problem(raw).what == "the disk image is cut off")

            for bytes in ["40", "1K", "200K", "1M"] {
                let cut = folder + "/cut-\(bytes)"
                try await runner.run(["cp", qcow2, cut])
                try await runner.run(["truncate", "-s", bytes, cut])
                #expect(try await problem(cut).what == "the qcow2 image is corrupt or cut off", "cut to \(bytes)")
            }
            // The first entry of the first table now points outside of the file.
            try await runner.run(
                ["dd", "of=\(qcow2)", "bs=1", "seek=196608", "conv=notrunc"], input: "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}")
            #expect(try await problem(qcow2).what == "the qcow2 image is corrupt or cut off")
        }
    }

    @Test func anOverlayIsRefusedWithTheCommandThatMakesItWhole() async throws {
        try await withTemporaryFolder { folder in
            try await disk(folder + "/base", gpt)
            try await ToolRunner(tools: HostTools()).run(
                ["qemu-img", "create", "-f", "qcow2", "-F", "raw", "-b", folder + "/base", folder + "/overlay"])
            #expect(try await problem(folder + "/overlay").remedy?.contains("qemu-img convert") == true)
        }
    }

    @Test func withoutQemuImgAQcow2CannotBeRead() async throws {
        try await withTemporaryFolder { folder in
            try Folder.write("QFI\u{FB} and more", to: folder + "/a")
            try await ToolRunner(tools: HostTools()).run(["qemu-img", "create", "-f", "qcow2", folder + "/b", "1M"])
            let problem = try await #require(throws: Problem.self) {
                try await ForeignImage.inspect(folder + "/b", hints: .init(), digesting: false, tools: HostTools(searchPath: []))
            }
            #expect(problem.key == .toolMissing)
            #expect(problem.remedy == "sudo apt-get install -y qemu-utils")
        }
    }
}
