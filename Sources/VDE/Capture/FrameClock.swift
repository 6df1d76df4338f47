/// What the times of a capture mean.
///
/// QEMU's `filter-dump` writes the second in which the dump began plus what the machine's own clock shows, and that clock began when the machine did and
/// stands still with it. Times of several machines can be compared only by the host's clock.
public struct FrameClock: Sendable, Equatable {
    /// When the machine's clock began to run, or went on.
    public struct Start: Sendable, Equatable, Codable {
        /// What the machine's clock showed, in nanoseconds.
        public var machine: Int64
        /// What the host's clock showed: since 1970, in nanoseconds.
        public var host: Int64

        /// A moment on both clocks.
        public init(machine: Int64, host: Int64) { (self.machine, self.host) = (machine, host) }
    }

    private let offset: Int64
    private let starts: [Start]

    /// The times are those of the host.
    public init() { (offset, starts) = (0, []) }

    /// The times are those of a dump that a machine writes.
    ///
    /// - Parameters:
    ///   - begin: the second in which the dump began, since 1970, as the file has it.
    ///   - starts: in their order. When there are none the times stay as they are.
    public init(dumpSince begin: Int64, starts: [Start]) { (offset, self.starts) = (begin * 1_000_000_000, starts) }

    /// When a frame passed, by the host's clock.
    ///
    /// - Parameter time: as it is in the file, in nanoseconds.
    public func time(of time: Int64) -> Int64 {
        guard let first = starts.first else { return time }
        let machine = time - offset
        let start = starts.last { $0.machine <= machine } ?? first
        return start.host + (machine - start.machine)
    }
}
