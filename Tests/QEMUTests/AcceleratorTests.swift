import Foundation
import LabEvents
import Subprocess
import Testing

@testable import QEMU

@Suite(.tier(.unit)) struct AcceleratorTests {
    @Test func `the payload's answer is what its work comes to`() {
        var window = [UInt64](repeating: 0, count: 0x200000 / 8)
        var state: UInt64 = 1
        var sum: UInt64 = 0
        for _ in 0..<0x40000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let place = Int((state >> 43) & 0x1f_fff8) / 8
            window[place] ^= state
            sum &+= window[place]
        }
        #expect(ProbePayload.answer == "vmlab-probe " + String(sum, radix: 16))
        #expect(ProbePayload.sector.count == 512)
        #expect(ProbePayload.disk.count == 1 << 20)
    }

    @Test(
        .enabled(
            if: ["as", "objcopy"].allSatisfy { tool in
                ["/usr/bin/", "/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + tool) }
            }))
    func `the payload's bytes are its source's`() async throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/QEMU/Payload/probe.S").path
        try await withTestFolder { folder in
            for (tool, arguments) in [
                ("as", ["--64", "-o", folder + "/o", source]),
                ("objcopy", ["-O", "binary", "-j", ".text", folder + "/o", folder + "/bin"]),
            ] {
                let result = try await run(.name(tool), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 1 << 16))
                #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
            }
            #expect(try Array(Data(contentsOf: URL(filePath: folder + "/bin"))) == ProbePayload.sector)
        }
    }

    @Test func `only the guest's own answer counts`() {
        func verdict(_ words: String, _ status: ProcessExit?) -> ProbeResult.Verdict {
            AcceleratorProbe.verdict(words: words, status: status, limit: .seconds(5))
        }
        #expect(verdict(ProbePayload.answer + "\n", .exited(85)) == .usable)
        #expect(verdict("warning\n\(ProbePayload.answer)\n", .exited(85)) == .usable)
        #expect(verdict(ProbePayload.answer + "\n", .exited(0)) != .usable)
        #expect(
            verdict("vmlab-probe 0000000000000000\n", .exited(85)) == .unusable(.ended(.exited(85), words: "vmlab-probe 0000000000000000")))
        #expect(verdict("", nil) == .unusable(.noAnswer(seconds: 5)))
        #expect(
            verdict("KVM internal error. Suberror: 1\nemulation failure\n", .signalled(9))
                == .unusable(.internalError("KVM internal error. Suberror: 1; emulation failure")))
    }

    @Test func `a result is kept for one boot and one binary`() async throws {
        try await withTestFolder { folder in
            func cache(_ executable: String = "/bin/sh", boot: String) -> ProbeCache {
                ProbeCache(folder: folder, accelerator: .kvm, executable: executable, bootIdentifierFile: boot)
            }
            try write("one\n", to: folder + "/one")
            try write("two\n", to: folder + "/two")
            let result = ProbeResult(accelerator: .kvm, verdict: .unusable(.ended(.signalled(6), words: "x")), seconds: 1)
            cache(boot: folder + "/one").store(result)
            #expect(cache(boot: folder + "/one").load() == result)
            #expect(cache(boot: folder + "/two").load() == nil)
            #expect(cache("/bin/ls", boot: folder + "/one").load() == nil)
            try write("broken", to: folder + "/accelerator-kvm.json")
            #expect(cache(boot: folder + "/one").load() == nil)
        }
    }

    @Test func `KVM that is asked for and is not there is refused; not asked for, TCG is taken and the reason said`() async throws {
        try await withTestFolder { folder in
            let probe = try AcceleratorProbe(cacheFolder: folder, executable: "/bin/false", device: folder + "/no-kvm")
            let problem = await #expect(throws: Problem.self) { try await Accelerator.choose(requested: .kvm, probe: probe) }
            #expect(problem?.key == .kvmUnusable)
            #expect(problem?.exitCode == 3)
            #expect(problem?.why == "\(folder)/no-kvm does not exist")
            let choice = try await Accelerator.choose(requested: nil, probe: probe)
            #expect(choice.accelerator == .tcg)
            #expect(choice.reason?.contains("does not exist") == true)
            #expect(try await Accelerator.choose(requested: .tcg, probe: probe) == AcceleratorChoice(accelerator: .tcg, reason: nil))
        }
    }
}
