import FoundationEssentials
import Glibc
import LabEvents

/// A child that lives as long as somebody holds its lifeline: the descriptor whose other end is its standard input.
struct LifelineProcess: Sendable {
    let process: ChildProcess
    /// The end that this process holds. Close-on-exec is set.
    let lifeline: Int32
    /// Where in the log its own words begin.
    private let logStart: Int
    private let log: String

    /// Starts a child on a lifeline, in a session of its own.
    ///
    /// - Parameters:
    ///   - command: the program with its arguments.
    ///   - log: the file to which its output is appended.
    ///   - name: what it is, such as `switch lan`.
    static func start(_ command: [String], log: String, name: String) throws -> LifelineProcess {
        let logStart = (try? FileManager.default.attributesOfItem(atPath: log)[.size] as? Int) ?? 0
        // Sockets and not a pipe, because Swift imports no call that makes a pipe close-on-exec from its first moment: another child could get
        // the end that is held, and this one would live as long as that child.
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Problem(.failure, "cannot make the lifeline of \(name)", why: String(cString: strerror(errno)))
        }
        do {
            defer { close(ends[0]) }
            let process = try ChildProcess.start(command, input: ends[0], log: log)
            return LifelineProcess(process: process, lifeline: ends[1], logStart: logStart, log: log)
        } catch {
            close(ends[1])
            throw error
        }
    }

    /// A child that runs already, from before an exec of this process. The lifeline is closed when this throws; close-on-exec is set again.
    ///
    /// - Throws: a problem when the process is gone or not a child of this one, or the lifeline is not an open descriptor.
    static func attach(_ record: ProcessRecord, lifeline: Int32, log: String, name: String) throws -> LifelineProcess {
        guard fcntl(lifeline, F_SETFD, FD_CLOEXEC) == 0 else {
            throw Problem(
                .invalidInput, "the lifeline of \(name) is lost", location: "descriptor \(lifeline)", why: String(cString: strerror(errno)),
                remedy: "take the lab down and start it again")
        }
        do {
            return LifelineProcess(process: try ChildProcess.attach(record), lifeline: lifeline, logStart: 0, log: log)
        } catch {
            close(lifeline)
            throw error
        }
    }

    /// What it wrote to its log last.
    var words: String {
        let bytes = (try? Data(contentsOf: URL(filePath: log))) ?? Data()
        let said = String(decoding: bytes.dropFirst(logStart).suffix(4096), as: UTF8.self)
        return said.isEmpty ? "it said nothing" : "it said: \(said)"
    }
}
