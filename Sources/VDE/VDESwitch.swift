public import LabEvents
public struct SwitchConfiguration: Sendable, Codable, Equatable {
    public init(name: String, socket: String, managementSocket: String, ports: Int) {}
}
public struct SwitchOptions: Sendable { public var launcher: [String] = []; public init(log: String) {} }
