/// What is sent.
struct Load: Sendable, CustomStringConvertible {
    /// The bytes of a frame.
    var size: Int
    /// How many frames are on their way at most; nil for as many as the first switch takes, of which many are lost on the way.
    var window: Int?

    static let all = [60, 1514].flatMap { size in [10, nil].map { Load(size: size, window: $0) } }

    var description: String { "\(size) bytes, \(window.map { "at most \($0) on their way" } ?? "as many as the switch takes")" }
}
