/// An end of a cable.
public enum CableSide: String, Sendable, Hashable, Codable, CaseIterable {
    /// The first one.
    case first
    /// The second one.
    case second
}

/// Something that sees the frames at an end of a cable: those that come from the end as they come, and those that the end took as it took
/// them, after every impairment.
public protocol FrameTap: Sendable {
    /// Takes a look at a frame. Called on the thread that moves the cable's frames, which waits meanwhile, as whoever calls the cable does:
    /// it must not call the cable itself.
    ///
    /// - Parameters:
    ///   - frame: the frame without its check sequence; valid during the call.
    ///   - isFromEnd: whether the end sent it; else the end was given it.
    ///   - time: since 1970, in nanoseconds.
    func see(_ frame: UnsafeRawBufferPointer, isFromEnd: Bool, time: Int64)
}
