/// The serial console: a socket for whoever talks to it and a log file, both anew for each boot.
///
/// The log is written by QEMU itself, so that it is whole when nobody is connected. While somebody is connected and does not read,
/// QEMU's buffer fills and output is lost to both: keep reading.
public struct SerialConsole: Equatable, Sendable, Codable {
    /// The start of the sockets' path: boot 2 listens on `PREFIX-2.sock`.
    public var socketPrefix: String
    /// The start of the logs' path: boot 2 writes `PREFIX-2.log`.
    public var logPrefix: String

    static let chardev = "serial0"

    /// A console with the paths' starts.
    public init(socketPrefix: String, logPrefix: String) {
        self.socketPrefix = socketPrefix
        self.logPrefix = logPrefix
    }

    /// The socket of a boot, counted from 1. Each boot has its own: QEMU unlinks the old socket after it has opened the new one.
    public func socketPath(boot: Int) -> String { "\(socketPrefix)-\(boot).sock" }

    /// The log of a boot, counted from 1.
    public func logPath(boot: Int) -> String { "\(logPrefix)-\(boot).log" }
}
