import Glibc
public import LabEvents
import Synchronization

/// A port of a running switch that this process is plugged into, inside the scope of
/// ``withHostPort(switchFolder:port:description:frameLimit:openLimit:body:)``.
///
/// Several clients may share a port if they are one user's. Each of them gets a copy of every frame that leaves the switch there, and none
/// sees what the others send: a host port at a guest's port shows what the guest receives, and nothing of what it sends.
public final class HostPort: Sendable {
    /// The socket folder of the switch.
    public let switchFolder: String
    /// The port's number.
    public let port: Int
    /// The frames that leave the switch at this port, in their order, from the opening on; for one reader. Ends when the scope does; fails
    /// with a problem `switch-died` when the switch is gone.
    public let frames: AsyncThrowingStream<EthernetFrame, any Error>
    let worker: HostPortWorker

    init(switchFolder: String, port: Int, frames: AsyncThrowingStream<EthernetFrame, any Error>, worker: HostPortWorker) {
        (self.switchFolder, self.port, self.frames, self.worker) = (switchFolder, port, frames, worker)
    }

    /// How many frames were lost because nobody read ``frames`` for too long.
    public var lostFrames: Int { worker.lostFrames }

    /// Sends a frame into the switch, after those of earlier calls. Waits while the switch has no room for it.
    ///
    /// That it was sent does not mean that a port takes it: switches drop what no port may have, and what a reader is too slow for.
    ///
    /// - Throws: a problem of kind `invalidInput` when the frame has more than ``EthernetFrame/maximumSize`` bytes; `switch-died`; one of
    ///   kind `failure` when the scope has ended or the task was cancelled.
    public func send(_ frame: EthernetFrame) async throws(Problem) {
        let bytes = frame.bytes
        guard bytes.count <= EthernetFrame.maximumSize else {
            throw Problem(
                .invalidInput, "cannot send a frame at port \(port)", location: switchFolder, why: "it has \(bytes.count) bytes",
                remedy: "a switch takes at most \(EthernetFrame.maximumSize), tags included")
        }
        try await worker.send(bytes).get()
    }
}
