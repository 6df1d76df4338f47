/// A frame of a capture.
public struct CapturedFrame: Sendable, Equatable {
    /// When it passed: since 1970, in nanoseconds.
    public var time: Int64
    /// How long it was, in bytes; more than ``bytes`` has when it was cut off.
    public var length: Int
    /// The frame without its check sequence.
    public var bytes: [UInt8]

    /// A frame from its parts; not cut off unless a length is given.
    public init(time: Int64, bytes: [UInt8], length: Int? = nil) {
        (self.time, self.bytes, self.length) = (time, bytes, length ?? bytes.count)
    }
}
