import Foundation
import LabEvents
import NetworkProfiles
import Testing
import VMLab
import Yams

@testable import K3sCluster

/// The files that stand-in and client are both held to.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: name))) }

    static func yaml<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        try YAMLDecoder().decode(type, from: String(decoding: bytes(name), as: UTF8.self))
    }

    static func decode<Value: Decodable>(_ yaml: String) throws -> Value { try YAMLDecoder().decode(Value.self, from: yaml) }

    /// The plan of a profile that comes with vmlab.
    static func plan(_ profile: String, _ size: ClusterSize = ClusterSize(servers: 2, agents: 1)) throws -> NetworkPlan {
        let profile = try #require(try Scenario.Wishes(profile: profile).network()).widened(size.roles)
        return try profile.plan(lab: "test", nodes: profile.nodeNames(size.roles))
    }

    static func address(_ profile: String, _ node: String, _ size: ClusterSize = ClusterSize(servers: 2, agents: 1)) throws
        -> ClusterAddress
    {
        try ClusterAddress(try #require(try plan(profile, size).node(node)))
    }
}
