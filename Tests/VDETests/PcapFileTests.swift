import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

@Suite("Captures", .tier(.contract)) struct PcapFileTests {
    /// A capture as pcap-savefile(5) says that it is read.
    private struct Capture {
        struct Record: Equatable {
            var time: Int64
            var length: Int
            var bytes: [UInt8]
        }

        var magic: UInt32
        var version: (UInt16, UInt16)
        var snapLength: UInt32
        var linkType: UInt32
        var records: [Record] = []

        init(path: String) throws {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            let word = { (place: Int) in bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt32.self) } }
            magic = word(0)
            version = bytes.withUnsafeBytes {
                ($0.loadUnaligned(fromByteOffset: 4, as: UInt16.self), $0.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
            }
            (snapLength, linkType) = (word(16), word(20))
            var place = 24
            while place < bytes.count {
                let unit: Int64 = magic == 0xA1B2_3C4D ? 1 : 1000
                let kept = Int(word(place + 8))
                records.append(
                    Record(
                        time: Int64(word(place)) * 1_000_000_000 + Int64(word(place + 4)) * unit, length: Int(word(place + 12)),
                        bytes: Array(bytes[(place + 16)..<(place + 16 + kept)])))
                place += 16 + kept
            }
        }
    }

    private let time: Int64 = 1_700_000_000_123_456_789

    @Test(arguments: [PcapFile.Precision.nanoseconds, .microseconds]) func `what was written is read`(
        _ precision: PcapFile.Precision
    ) async throws {
        try await SwitchFolder.with { folder in
            let path = folder.path + "/c.pcap"
            let file = try PcapFile(path: path, precision: precision, snapLength: 100)
            let frames = [60, 100, 101, 1514].map { EthernetFrame.counted($0, size: $0).bytes }
            for (number, frame) in frames.enumerated() {
                frame.withUnsafeBytes { file.see($0, isFromEnd: number % 2 == 0, time: time + Int64(number)) }
            }
            #expect(try Capture(path: path).records == [])
            try file.flush()
            let capture = try Capture(path: path)
            #expect(capture.magic == (precision == .nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4))
            #expect(capture.version == (2, 4))
            #expect(capture.snapLength == 100)
            #expect(capture.linkType == 1)
            #expect(capture.records.map(\.bytes) == frames.map { Array($0.prefix(100)) })
            #expect(capture.records.map(\.length) == [60, 100, 101, 1514])
            let start = precision == .nanoseconds ? time : time / 1000 * 1000
            #expect(capture.records[0].time == start)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            try file.close()
            frames[0].withUnsafeBytes { file.see($0, isFromEnd: true, time: time) }
            #expect(file.frames == 4 && file.missed == 1)
            #expect(try Capture(path: path).records.count == 4)
        }
    }

    @Test func `a full file system ends a capture, and the frames are missed`() throws {
        let file = try? PcapFile(path: "/dev/full")
        #expect(file == nil)
        let problem = #expect(throws: Problem.self) { _ = try PcapFile(path: "/nowhere/c.pcap") }
        #expect(problem?.why?.contains("No such file") == true)
    }

    @Test func `taps see both ways of an end, before and after impairments, from their adding to their removal`() async throws {
        try await CableBench.with { bench in
            let files = try ["first", "second"].map { try PcapFile(path: bench.folder.path + "/\($0).pcap") }
            _ = try await bench.run(count: 16)
            let taps = [bench.cable.addTap(at: .first, files[0]), bench.cable.addTap(at: .second, files[1])]
            let impairments = Impairments(loss: 0.3)
            let trial = try await bench.run(impairments, count: 400)
            try await bench.ports.b.send(.counted(1))
            #expect(try await bench.ports.a.next() == .counted(1))
            for tap in taps { bench.cable.removeTap(tap) }
            _ = try await bench.run(count: 16)
            for file in files { try file.close() }
            let captures = try files.map { try Capture(path: $0.path) }
            let back = EthernetFrame.counted(1).bytes
            #expect(captures[0].records.map(\.bytes) == (0..<400).map { EthernetFrame.counted($0).bytes } + [back])
            #expect(captures[1].records.map(\.bytes) == trial.numbers.map { EthernetFrame.counted($0).bytes } + [back])
            #expect(trial.numbers.count < 400)
            for capture in captures { #expect(zip(capture.records, capture.records.dropFirst()).allSatisfy { $0.time <= $1.time }) }
            if let tshark = try? HostTool(name: "tshark", package: "tshark").locate() {
                let process = Process()
                process.executableURL = URL(filePath: tshark)
                process.arguments = ["-r", files[1].path, "-T", "fields", "-e", "frame.number"]
                let pipe = Pipe()
                process.standardOutput = pipe
                try process.run()
                let lines = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n")
                process.waitUntilExit()
                #expect(lines.count == trial.numbers.count + 1)
            }
        }
    }
}
