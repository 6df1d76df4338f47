/// The virtio-serial ports and consoles that a node is given for its shells, by the names the guest sees in /sys/class/virtio-ports.
///
/// 31 ports (the most one virtio-serial device takes) and two consoles; each costs a Linux guest about 0.55 MB of receive buffers.
public enum PortNames {
    /// The control shell's port.
    public static let control = "vmlab.ctl"
    /// How many commands run at once in one node.
    public static let workerCount = 8
    /// How many pairs of output ports there are: one for each worker and two more, for pairs that a background child holds.
    public static let pairCount = 10
    /// How many commands at once may be fed standard input.
    public static let inputCount = 2

    static func worker(_ index: Int) -> String { "vmlab.w\(index)" }
    static func output(_ index: Int) -> String { "vmlab.o\(index)" }
    static func error(_ index: Int) -> String { "vmlab.e\(index)" }
    static func input(_ index: Int) -> String { "vmlab.i\(index)" }

    /// Every port's name, in the order in which a machine should define them.
    public static var all: [String] {
        [control] + (0..<workerCount).map(worker) + (0..<inputCount).map(input)
            + (0..<pairCount).flatMap { [output($0), error($0)] }
    }
}
