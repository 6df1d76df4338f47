/// A command of the QEMU Machine Protocol: the value itself encodes to the command's arguments. Source: QEMU's qapi/*.json.
public protocol QMPCommand: Encodable, Sendable {
    /// What the command answers; ``QMP/Empty`` when it answers nothing of interest.
    associatedtype Return: Decodable & Sendable = QMP.Empty
    /// The command's name as QEMU knows it.
    var name: String { get }
}

/// The commands, as types: `try await monitor.execute(QMP.Stop())`.
public enum QMP {
    /// An answer without content.
    public struct Empty: Decodable, Sendable, Equatable {}

    /// Leaves the negotiation mode; the first command of every connection.
    public struct Capabilities: QMPPlainCommand {
        /// `qmp_capabilities`.
        public var name: String { "qmp_capabilities" }
        /// The command.
        public init() {}
    }

    /// A command of the caller's own, for what has no type here.
    public struct Custom: QMPCommand {
        /// Whatever QEMU answers.
        public typealias Return = JSONValue
        /// The command's name.
        public var name: String
        /// The arguments; an object.
        public var arguments: [String: JSONValue]

        /// A command with its arguments.
        public init(_ name: String, arguments: [String: JSONValue] = [:]) {
            self.name = name
            self.arguments = arguments
        }

        /// The arguments as they are.
        public func encode(to encoder: any Encoder) throws { try arguments.encode(to: encoder) }
    }

    enum NoKey: CodingKey {}
}

/// A command without arguments.
public protocol QMPPlainCommand: QMPCommand {}

extension QMPPlainCommand {
    /// No arguments: an empty object.
    public func encode(to encoder: any Encoder) throws { _ = encoder.container(keyedBy: QMP.NoKey.self) }
}
