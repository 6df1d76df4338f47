extension QMP {
    /// Plugs or pulls the cable of an interface: the guest sees its carrier come or go.
    public struct SetLink: QMPCommand {
        /// `set_link`.
        public var name: String { "set_link" }
        /// The interface; see ``NetworkInterface/deviceIdentifier(_:)``.
        public var device: String
        /// Whether the cable is plugged in.
        public var isUp: Bool

        /// The command for one interface.
        public init(device: String, isUp: Bool) {
            self.device = device
            self.isUp = isUp
        }

        private enum CodingKeys: String, CodingKey {
            case device = "name"
            case isUp = "up"
        }
    }

    /// Gives a character device another backend: here always a listening unix socket with a log file.
    public struct ChangeSocket: QMPCommand {
        /// `chardev-change`.
        public var name: String { "chardev-change" }
        /// The character device's id.
        public var identifier: String
        /// Where QEMU listens from now on. It must not be the path in use: QEMU unlinks the old one after it has bound the new one.
        public var socketPath: String
        /// The file to which everything the guest writes is appended.
        public var logPath: String

        /// The command for one character device.
        public init(identifier: String, socketPath: String, logPath: String) {
            self.identifier = identifier
            self.socketPath = socketPath
            self.logPath = logPath
        }

        /// The arguments: `ChardevBackend` of QEMU's qapi/char.json.
        public func encode(to encoder: any Encoder) throws {
            let address: JSONValue = .object(["type": .string("unix"), "data": .object(["path": .string(socketPath)])])
            let socket: JSONValue = .object([
                "addr": address, "server": .bool(true), "wait": .bool(false), "logfile": .string(logPath), "logappend": .bool(true),
            ])
            let arguments: [String: JSONValue] = [
                "id": .string(identifier), "backend": .object(["type": .string("socket"), "data": socket]),
            ]
            try arguments.encode(to: encoder)
        }
    }

    /// Makes an object in the running machine, for example a `filter-dump` that captures an interface.
    public struct ObjectAdd: QMPCommand {
        /// `object-add`.
        public var name: String { "object-add" }
        /// The object's type.
        public var type: String
        /// The object's id.
        public var identifier: String
        /// The object's other properties.
        public var properties: [String: JSONValue]

        /// The command for one object.
        public init(type: String, identifier: String, properties: [String: JSONValue] = [:]) {
            self.type = type
            self.identifier = identifier
            self.properties = properties
        }

        /// The arguments: the properties beside `qom-type` and `id`.
        public func encode(to encoder: any Encoder) throws {
            var arguments = properties
            arguments["qom-type"] = .string(type)
            arguments["id"] = .string(identifier)
            try arguments.encode(to: encoder)
        }
    }

    /// Removes an object that ``ObjectAdd`` made.
    public struct ObjectDelete: QMPCommand {
        /// `object-del`.
        public var name: String { "object-del" }
        /// The object's id.
        public var identifier: String

        /// The command for one object.
        public init(identifier: String) {
            self.identifier = identifier
        }

        private enum CodingKeys: String, CodingKey {
            case identifier = "id"
        }
    }
}
