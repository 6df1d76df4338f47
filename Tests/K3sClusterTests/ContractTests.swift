import Foundation
import LabEvents
import Testing

@testable import K3sCluster

/// The client of k3s, held to the fixtures that the stand-in is held to (`K3sStandinTests`).
@Suite("The client and the fixtures of the stand-in", .tier(.unit))
struct ContractTests {
    private struct Authorities: Decodable {
        struct Bundle: Decodable {
            var what: String
            var certificates: Int
            var hash: String
            var pem: String
        }
        var bundles: [Bundle]
    }

    @Test("The hash of a CA: what one certificate has; several are left to k3s") func hashCA() throws {
        let authorities: Authorities = try Fixtures.yaml("ca-hash.yaml")
        #expect(authorities.bundles.map(\.certificates) == [1, 3, 2])
        for bundle in authorities.bundles {
            #expect(K3sToken.hash(ofCA: Array(bundle.pem.utf8)) == (bundle.certificates == 1 ? bundle.hash : nil), "\(bundle.what)")
        }
    }

    private struct Answers: Decodable {
        struct Answer: Decodable {
            var path: String
            var status: Int
            var reason: String?
            var message: String?
            var peer: String?
            var asker: String?
            enum CodingKeys: String, CodingKey {
                case path, status, reason, message, peer
                case asker = "as"
            }
        }
        struct Path: Decodable { var path: String }
        var answers: [Answer]
        var paths: [Path]
    }

    @Test("A refusal of the supervisor is no list of anything, no health, and no failure of the server's own") func supervisorRefusal()
        throws
    {
        let fixture: Answers = try Fixtures.yaml("answers.yaml")
        let refusals = fixture.answers.filter { $0.reason != nil }
        #expect(refusals.count > 15)
        for answer in refusals {
            let body = """
                {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\(answer.message ?? "")","reason":"\(answer.reason ?? "")",\
                "code":\(answer.status)}
                """
            #expect(HealthReport(body) == nil, "\(body)")
            #expect(throws: Problem.self, "\(body)") { try ClusterNode.list(Array(body.utf8)) }
            #expect(throws: Problem.self, "\(body)") { try EtcdMember.list(Array(body.utf8)) }
            #expect(EtcdStatus(Array(body.utf8)) == nil, "\(body)")
            let logged = "level=error msg=\"Sending HTTP/1.1 \(answer.status) response to 192.168.1.2:40000: \(answer.message ?? "")\""
            #expect(K3sFailure.find(in: [logged]) == nil, "\(logged)")
        }
    }

    @Test("What the client asks of the supervisor is there, and open to it") func clientAsksSupervisor() throws {
        let fixture: Answers = try Fixtures.yaml("answers.yaml")
        for asked in K3sSupervisor.allCases {
            #expect(fixture.paths.contains { $0.path == asked.rawValue }, "\(asked)")
            #expect(asked.url == "https://127.0.0.1:6443" + asked.rawValue)
            #expect(fixture.answers.contains { $0.path == asked.rawValue && $0.status == 200 && $0.asker == nil }, "\(asked)")
        }
    }

    private struct Health: Decodable {
        struct Answer: Decodable {
            var path: String
            var etcd: Bool
            var status: Int
            var body: String?
            var first: String?
            var contains: [String]?
            var last: String?
        }
        var answers: [Answer]
    }

    @Test("Health is read from lists of checks") func healthReadLists() throws {
        let fixture: Health = try Fixtures.yaml("health.yaml")
        let lists = fixture.answers.filter { $0.last != nil }
        #expect(lists.count == 3)
        for answer in lists {
            let lines = ([answer.first] + (answer.contains ?? []) + [answer.last]).compactMap { $0 }
            let report = HealthReport(lines.joined(separator: "\n") + "\n")
            #expect(report?.isHealthy == (answer.status == 200), "\(answer.path)")
            #expect(report?.failed == (answer.etcd ? [] : ["etcd"]), "\(answer.path)")
            #expect(report?.passed.contains("ping") ?? false, "\(answer.path)")
        }
    }

    private struct Conditions: Decodable {
        struct State: Decodable {
            var member: String
            var status: String
            var reason: String
        }
        struct Members: Decodable {
            struct Name: Decodable {
                var member: String
                var node: String
            }
            var names: [Name]
        }
        var type: String
        var states: [State]
        var members: Members
    }

    @Test("Whether a node votes") func whetherNodeVotes() throws {
        let fixture: Conditions = try Fixtures.yaml("voter-conditions.yaml")
        #expect(fixture.states.count == 4)
        for state in fixture.states {
            let json = """
                {"items":[{"metadata":{"name":"a"},"status":{"conditions":[{"type":"\(fixture.type)","status":"\(state.status)","reason":"\(state.reason)"}]}}]}
                """
            let node = try #require(try ClusterNode.list(Array(json.utf8)).first)
            #expect(node.isVoter == (state.member == "voter"), "\(state.member)")
        }
        for name in fixture.members.names {
            #expect(EtcdMember(identifier: "a", name: name.member).node == name.node)
        }
    }

    private struct Metadata: Decodable {
        struct Label: Decodable {
            var label: String
            var value: String
        }
        var roles: [Label]
    }

    @Test("Roles are what the labels say") func rolesLabelsSay() throws {
        let fixture: Metadata = try Fixtures.yaml("node-metadata.yaml")
        let labels = fixture.roles.map { "\"\($0.label)\":\"\($0.value)\"" }.joined(separator: ",")
        let node = try #require(
            try ClusterNode.list(Array("{\"items\":[{\"metadata\":{\"name\":\"a\",\"labels\":{\(labels)}}}]}".utf8)).first)
        #expect(node.roles == ["control-plane", "etcd"])
    }
}
