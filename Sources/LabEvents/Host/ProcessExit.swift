/// How a process ended.
public enum ProcessExit: Equatable, Sendable, Codable, CustomStringConvertible {
    /// It exited with a code.
    case exited(Int32)
    /// A signal ended it.
    case signalled(Int32)
    /// It ended, and how was told to somebody else: another part of this process waited for it first.
    case unknown

    /// The end in words; for the signals with a usual cause, the cause too.
    public var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .signalled(6): "aborted itself (signal 6)"
        case .signalled(7): "was ended by signal 7 (SIGBUS: the file system of its RAM file is full)"
        case .signalled(9): "was ended by signal 9 (SIGKILL: by someone, or by the kernel for lack of memory)"
        case .signalled(31): "was ended by signal 31 (SIGSYS: a system call that the sandbox denies)"
        case .unknown: "ended, nobody knows how"
        case .signalled(let signal): "was ended by signal \(signal)"
        }
    }
}
