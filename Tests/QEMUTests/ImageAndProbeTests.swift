import Foundation
import LabEvents
import Testing

@testable import QEMU

@Suite(.tier(.contract), .serialized, .timeLimit(.minutes(5))) struct ImageAndProbeTests {
    @Test func `an overlay keeps its base and its base's format`() async throws {
        try await withTestFolder { folder in
            let images = try QEMUImage()
            try write(BootSector.idle.disk, to: folder + "/base, 1.raw")
            try await images.createOverlay(folder + "/o.qcow2", base: folder + "/base, 1.raw", format: .raw, size: 1 << 30)
            let information = try await images.information(folder + "/o.qcow2", format: .qcow2)
            #expect(information.format == "qcow2")
            #expect(information.virtualSize == 1 << 30)
            #expect(information.backingFile == folder + "/base, 1.raw")
            #expect(information.backingFormat == "raw")
            try await images.check(folder + "/o.qcow2")
            let twice = await #expect(throws: Problem.self) {
                try await images.createOverlay(folder + "/o.qcow2", base: folder + "/base, 1.raw", format: .raw)
            }
            #expect(twice?.what == "overlay exists already")
            let small = await #expect(throws: Problem.self) {
                try await images.createOverlay(folder + "/p.qcow2", base: folder + "/base, 1.raw", format: .raw, size: 512)
            }
            #expect(small?.kind == .invalidInput)
        }
    }

    @Test func `bad images are refused with a reason`() async throws {
        try await withTestFolder { folder in
            let images = try QEMUImage()
            let missing = await #expect(throws: Problem.self) { try await images.information(folder + "/none") }
            #expect(missing?.kind == .invalidInput)
            #expect(missing?.why?.contains("No such file") == true)
            try write("not an image", to: folder + "/bad")
            let bad = await #expect(throws: Problem.self) {
                try await images.createOverlay(folder + "/o.qcow2", base: folder + "/bad", format: .qcow2)
            }
            #expect(bad?.kind == .invalidInput)
            #expect(bad?.location == folder + "/bad")
            #expect(bad?.remedy != nil)
            #expect(!FileManager.default.fileExists(atPath: folder + "/o.qcow2"))

            try write(BootSector.idle.disk, to: folder + "/base.raw")
            try await images.createOverlay(folder + "/c.qcow2", base: folder + "/base.raw", format: .raw)
            var bytes = try Data(contentsOf: URL(filePath: folder + "/c.qcow2"))
            // The offset of the first-level table in the header (bytes 40 to 47): beyond the file.
            bytes.replaceSubrange(40..<48, with: [0, 0, 0, 0x7f, 0xff, 0xff, 0, 0])
            try bytes.write(to: URL(filePath: folder + "/c.qcow2"))
            let corrupt = await #expect(throws: Problem.self) { try await images.check(folder + "/c.qcow2") }
            #expect(corrupt?.kind == .invalidInput)
        }
    }

    @Test func `the probe guest answers under TCG`() async throws {
        try await withTestFolder { folder in
            // Sixty seconds: this shows that the payload is right, not that the host is fast.
            let probe = try AcceleratorProbe(cacheFolder: folder, limit: .seconds(60))
            let result = try await probe.run(.tcg)
            #expect(result.verdict == .usable)
            #expect(result.seconds > 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }

    @Test func `KVM's verdict is one of both, has a reason and is kept`() async throws {
        try await withTestFolder { folder in
            let probe = try AcceleratorProbe(cacheFolder: folder)
            let result = try await probe.kvm()
            if case .unusable(let reason) = result.verdict { #expect(!reason.description.isEmpty) }
            let kept = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(kept == (result.seconds > 0 ? ["accelerator-kvm.json"] : []))
            #expect(try await probe.kvm() == result)
        }
    }

    @Test func `a guest that does not answer within its limit is not waited for`() async throws {
        try await withTestFolder { folder in
            try write("#!/bin/sh\necho \(ProbePayload.answer)\nexec sleep 600\n", to: folder + "/fake")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/fake")
            let probe = try AcceleratorProbe(cacheFolder: folder + "/cache", executable: folder + "/fake", limit: .milliseconds(300))
            let result = try await probe.run(.kvm)
            #expect(result.verdict == .unusable(.noAnswer(seconds: 0.3)))
        }
    }

    @Test func `KVM that gives up is noticed before the limit`() async throws {
        try await withTestFolder { folder in
            try write("#!/bin/sh\necho 'KVM internal error. Suberror: 1' >&2\nexec sleep 600\n", to: folder + "/fake")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/fake")
            let probe = try AcceleratorProbe(cacheFolder: folder + "/cache", executable: folder + "/fake", limit: .seconds(60))
            #expect(try await probe.run(.kvm).verdict == .unusable(.internalError("KVM internal error. Suberror: 1")))
        }
    }
}
