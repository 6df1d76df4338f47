import Foundation
import LabEvents
import Testing

@testable import VDE

@Suite("Captures as files", .tier(.unit))
struct CaptureFileTests {
    /// A folder for the time of `body`.
    private static func with(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vmlab-capture-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    private static func words(_ words: [UInt32], swapped: Bool = false) -> [UInt8] {
        words.flatMap { word in withUnsafeBytes(of: swapped ? word.byteSwapped : word) { Array($0) } }
    }

    /// A pcap file with frames of one byte, at these microseconds.
    private static func pcap(_ frames: [(time: UInt32, byte: UInt8)], magic: UInt32 = 0xA1B2_C3D4, swapped: Bool = false) -> [UInt8] {
        // Version 2.4 as QEMU writes it: two halves of a word.
        words([magic, swapped ? 0x2_0004 : 0x4_0002, 0, 0, 65536, 1], swapped: swapped)
            + frames.flatMap { words([7, $0.time, 1, 60], swapped: swapped) + [$0.byte] }
    }

    private static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    private static func frames(_ path: String) throws -> (frames: [CapturedFrame], isCutShort: Bool) {
        var reader = try PcapReader(path: path)
        var frames: [CapturedFrame] = []
        while let frame = try reader.next() { frames.append(frame) }
        #expect(try reader.next() == nil, "the end stays the end")
        return (frames, reader.isCutShort)
    }

    // MARK: pcapng

    @Test("A pcapng file, byte by byte")
    func exact() async throws {
        try await Self.with { folder in
            let path = folder + "/x.pcapng"
            var file = try PcapngFile(path: path, interfaces: ["a.eth1", "longer.e"])
            try file.append(CapturedFrame(time: 0x1_0000_0002, bytes: [1, 2, 3, 4, 5], length: 60), interface: 1)
            try file.finish()
            var expected = Self.words([0x0A0D_0D0A, 44, 0x1A2B_3C4D, 1, .max, .max, 5 << 16 | 4])
            expected += Array("vmlab".utf8) + [0, 0, 0] + Self.words([0, 44])
            for (name, length) in [("a.eth1", 44), ("longer.e", 44)] as [(String, UInt32)] {
                expected += Self.words([1, length, 1, 0, UInt32(name.utf8.count) << 16 | 2])
                expected += Array(name.utf8) + [UInt8](repeating: 0, count: 8 - name.utf8.count)
                expected += Self.words([1 << 16 | 9, 9, 0, length])
            }
            expected += Self.words([6, 40, 1, 1, 2, 5, 60]) + [1, 2, 3, 4, 5, 0, 0, 0] + Self.words([40])
            #expect(try Self.bytes(path) == expected)
            let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(permissions == 0o600)
        }
    }

    @Test("Frames of several interfaces come in the order of their times, those of one interface from file to file")
    func order() async throws {
        try await Self.with { folder in
            func write(_ name: String, _ frames: [(UInt32, UInt8)]) throws -> CaptureMerge.Part {
                let path = "\(folder)/\(name).pcap"
                try Data(Self.pcap(frames.map { (time: $0.0, byte: $0.1) })).write(to: URL(filePath: path))
                return .init(path: path)
            }
            let first = CaptureMerge.Source(name: "a", parts: [try write("a-1", [(10, 1), (30, 3)]), try write("a-2", [(50, 6)])])
            let second = CaptureMerge.Source(name: "b", parts: [try write("b", [(20, 2), (30, 4), (40, 5)])])
            let none = CaptureMerge.Source(name: "c", parts: [])
            let made = folder + "/made.pcapng"
            #expect(try await CaptureMerge([first, second, none]).write(to: made) == .init(frames: 6))

            let wanted = folder + "/wanted.pcapng"
            var file = try PcapngFile(path: wanted, interfaces: ["a", "b", "c"])
            for (time, interface, byte) in [(10, 0, 1), (20, 1, 2), (30, 0, 3), (30, 1, 4), (40, 1, 5), (50, 0, 6)] {
                try file.append(
                    CapturedFrame(time: 7_000_000_000 + Int64(time) * 1000, bytes: [UInt8(byte)], length: 60), interface: interface)
            }
            try file.finish()
            #expect(try Self.bytes(made) == Self.bytes(wanted))
        }
    }

    @Test("More frames than memory keeps at a time")
    func many() async throws {
        try await Self.with { folder in
            let parts = try (0..<3).map { number in
                let path = "\(folder)/\(number).pcap"
                let pcap = try PcapFile(path: path)
                for index in 0..<5000 {
                    let frame = [UInt8](repeating: UInt8(number), count: 60 + index % 100)
                    frame.withUnsafeBytes { pcap.see($0, isFromEnd: true, time: Int64(index * 3 + number)) }
                }
                try pcap.close()
                return CaptureMerge.Source(name: "\(number)", parts: [.init(path: path)])
            }
            let made = folder + "/made.pcapng"
            #expect(try await CaptureMerge(parts).write(to: made) == .init(frames: 15000))
            let size = try Self.bytes(made).count
            // Frames of 60 to 159 bytes, padded to words, with 32 bytes around each.
            let frames = (0..<5000).reduce(0) { $0 + 32 + (60 + $1 % 100 + 3) / 4 * 4 } * 3
            #expect(size == 44 + 3 * 40 + frames)
        }
    }

    @Test("A full disk is told as such", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func full() throws {
        var file = try PcapngFile(path: "/dev/full", interfaces: ["a"])
        do throws(Problem) {
            try file.finish()
            Issue.record("it was written")
        } catch {
            #expect(error.key == .diskFull)
        }
    }

    // MARK: pcap

    struct Form: Sendable, CustomTestStringConvertible {
        var magic: UInt32
        var swapped = false
        var times: [Int64]
        var testDescription: String { "\(String(magic, radix: 16)) \(swapped)" }
    }

    @Test(
        "A pcap file of either byte order and exactness",
        arguments: [
            Form(magic: 0xA1B2_C3D4, times: [7_000_001_000, 7_000_002_000]),
            Form(magic: 0xA1B2_C3D4, swapped: true, times: [7_000_001_000, 7_000_002_000]),
            Form(magic: 0xA1B2_3C4D, times: [7_000_000_001, 7_000_000_002]),
            Form(magic: 0xA1B2_3C4D, swapped: true, times: [7_000_000_001, 7_000_000_002]),
        ])
    func forms(_ form: Form) async throws {
        try await Self.with { folder in
            let path = folder + "/x.pcap"
            try Data(Self.pcap([(1, 0xAA), (2, 0xBB)], magic: form.magic, swapped: form.swapped)).write(to: URL(filePath: path))
            let read = try Self.frames(path)
            #expect(read.frames.map(\.time) == form.times)
            #expect(read.frames.map(\.bytes) == [[0xAA], [0xBB]])
            #expect(read.frames.map(\.length) == [60, 60])
            #expect(!read.isCutShort)
        }
    }

    @Test("A file that ends anywhere gives its whole frames, and says that it was cut short")
    func cut() async throws {
        try await Self.with { folder in
            let path = folder + "/x.pcap"
            let whole = Self.pcap([(1, 1), (2, 2), (3, 3)])
            for length in 24...whole.count {
                try Data(whole.prefix(length)).write(to: URL(filePath: path))
                let read = try Self.frames(path)
                #expect(read.frames.count == (length - 24) / 17)
                #expect(read.isCutShort == ((length - 24) % 17 != 0))
            }
            for length in 0..<24 {
                try Data(whole.prefix(length)).write(to: URL(filePath: path))
                #expect(throws: Problem.self) { try Self.frames(path) }
            }
        }
    }

    @Test("Damage ends a file where it is, and is named; the other files are whole")
    func damage() async throws {
        try await Self.with { folder in
            let (bad, none, good) = (folder + "/bad.pcap", folder + "/none.pcap", folder + "/good.pcap")
            try Data(Self.pcap([(1, 1)]) + Self.words([7, 2, .max, .max]) + Self.pcap([(3, 3)])).write(to: URL(filePath: bad))
            try Data("no capture at all".utf8).write(to: URL(filePath: none))
            try Data(Self.pcap([(2, 2), (4, 4)])).write(to: URL(filePath: good))
            let sources = [
                CaptureMerge.Source(name: "a", parts: [.init(path: bad), .init(path: none)]),
                CaptureMerge.Source(name: "b", parts: [.init(path: good), .init(path: folder + "/missing")]),
            ]
            let outcome = try await CaptureMerge(sources).write(to: folder + "/made.pcapng")
            #expect(outcome == .init(frames: 3, damaged: [bad, none, folder + "/missing"]))
        }
    }

    @Test("Another link type is refused")
    func linkType() async throws {
        try await Self.with { folder in
            let path = folder + "/x.pcap"
            try Data(Self.words([0xA1B2_C3D4, 0x4_0002, 0, 0, 65536, 113])).write(to: URL(filePath: path))
            #expect(throws: Problem.self) { try Self.frames(path) }
        }
    }

    // MARK: Times

    @Test("The times of a dump are those of the host, over pauses too")
    func clock() {
        // The machine began at 1000 s and stood still from 1010 s to 1050 s; the dump began at 1005 s.
        let starts: [FrameClock.Start] = [
            .init(machine: 0, host: 1000_000_000_000), .init(machine: 10_000_000_000, host: 1050_000_000_000),
        ]
        let clock = FrameClock(dumpSince: 1005, starts: starts)
        #expect(clock.time(of: (1005 + 6) * 1_000_000_000) == 1006_000_000_000)
        #expect(clock.time(of: (1005 + 12) * 1_000_000_000 + 5) == 1052_000_000_005)
        #expect(FrameClock().time(of: 17) == 17)
        #expect(FrameClock(dumpSince: 1005, starts: []).time(of: 17) == 17)
    }
}
