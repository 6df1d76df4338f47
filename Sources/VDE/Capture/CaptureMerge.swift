import LabEvents

/// Makes one file of what several interfaces saw: its frames in the order of their times. Memory is bounded by the number of interfaces.
public struct CaptureMerge: Sendable {
    /// A pcap file.
    public struct Part: Sendable {
        /// The file.
        public var path: String
        /// What its times mean.
        public var clock: FrameClock

        /// A part; its times are those of the host by default.
        public init(path: String, clock: FrameClock = FrameClock()) { (self.path, self.clock) = (path, clock) }
    }

    /// An interface and its files, one after the other.
    public struct Source: Sendable {
        /// What the interface is called in the file that is made.
        public var name: String
        /// The files in the order in which they came into being.
        public var parts: [Part]

        /// A source from its parts.
        public init(name: String, parts: [Part]) { (self.name, self.parts) = (name, parts) }
    }

    /// What was made.
    public struct Outcome: Sendable, Equatable {
        /// How many frames are in it.
        public var frames = 0
        /// The files that ended inside of a frame, or could not be read at all.
        public var damaged: [String] = []
    }

    /// After so many frames another task has its turn, and the end of this one is looked for.
    private static let turn = 2000

    private let sources: [Source]

    /// A merge of sources.
    public init(_ sources: [Source]) { self.sources = sources }

    /// Writes the file. It is not removed when something goes wrong.
    ///
    /// - Throws: a ``Problem`` when it cannot be written; `CancellationError`.
    public func write(to path: String) async throws -> Outcome {
        var file = try PcapngFile(path: path, interfaces: sources.map(\.name))
        var outcome = Outcome()
        let streams = sources.map { CaptureStream($0) }
        var heads: [CapturedFrame?] = []
        for index in streams.indices { heads.append(streams[index].next()) }
        while let (interface, frame) = Self.earliest(heads) {
            try file.append(frame, interface: interface)
            heads[interface] = streams[interface].next()
            outcome.frames += 1
            guard outcome.frames % Self.turn == 0 else { continue }
            try Task.checkCancellation()
            await Task.yield()
        }
        try file.finish()
        outcome.damaged = streams.flatMap(\.damaged)
        return outcome
    }

    /// Of several with the same time the first source's.
    private static func earliest(_ heads: [CapturedFrame?]) -> (Int, CapturedFrame)? {
        var found: (Int, CapturedFrame)?
        for (index, head) in heads.enumerated() {
            guard let head else { continue }
            if let before = found, before.1.time <= head.time { continue }
            found = (index, head)
        }
        return found
    }
}

/// The frames of one source.
private final class CaptureStream {
    private var rest: ArraySlice<CaptureMerge.Part>
    private var clock = FrameClock()
    private var reader: Reader?
    private(set) var damaged: [String] = []

    /// A reader has one owner, which an optional property cannot be.
    private final class Reader {
        var reader: PcapReader

        init(_ path: String) throws(Problem) { reader = try PcapReader(path: path) }
    }

    init(_ source: CaptureMerge.Source) { rest = source.parts[...] }

    /// The next frame by the host's clock; nil at the end.
    func next() -> CapturedFrame? {
        while true {
            if let reader {
                if var frame = try? reader.reader.next() {
                    frame.time = clock.time(of: frame.time)
                    return frame
                }
                if reader.reader.isCutShort { damaged.append(reader.reader.path) }
                self.reader = nil
            }
            guard let part = rest.popFirst() else { return nil }
            clock = part.clock
            do { reader = try Reader(part.path) } catch { damaged.append(part.path) }
        }
    }
}
