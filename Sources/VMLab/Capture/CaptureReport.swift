/// A capture of a lab, and what came of it.
public struct CaptureReport: Sendable, Codable, Equatable {
    /// Where a capture stands.
    public enum State: String, Sendable, Codable {
        /// Frames are written.
        case running
        /// ``CaptureReport/file`` has them all.
        case finished
        /// The files of the single interfaces could not be made one; ``CaptureReport/file`` is the folder with them.
        case parted
    }

    /// Its name.
    public var name: String
    /// What was asked for: network cards, bonds, segments, trunks, nodes.
    public var what: [String]
    /// The interfaces, as the file calls them: `NODE.CARD`, or the name of a trunk.
    public var interfaces: [String]
    /// Where it stands.
    public var state: State
    /// The file, or the folder with the files of the single interfaces: an absolute path on the host.
    public var file: String
    /// How many bytes there are so far.
    public var bytes: Int
    /// How many frames there are; nil until it is finished.
    public var frames: Int?
    /// For how long it ran, or has run, in seconds.
    public var seconds: Double
    /// What is missing from it, in words.
    public var notes: [String] = []
}
