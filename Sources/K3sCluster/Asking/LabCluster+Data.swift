import FoundationEssentials
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    private static let records = "/api/v1/namespaces/default/configmaps"

    /// Writes something that the cluster is to keep, as a ConfigMap of the namespace `default`.
    ///
    /// - Parameters:
    ///   - value: what.
    ///   - name: the ConfigMap's name: lower-case letters, digits and `-`.
    ///   - server: who is asked; the ``spokesman`` when nil.
    /// - Throws: a ``Problem`` when it is not taken within 30 s times the pace, with what was answered.
    public func write(_ value: String, as name: String, asking server: Node? = nil) async throws {
        let node = try server ?? spokesman
        let record = try Self.record(value, name)
        let limit = Duration.seconds(30) * max(1, node.pace)
        var reply = try await request("POST", Self.records, body: record, asking: node, within: limit)
        // 409: it is there already.
        if reply.status == 409 { reply = try await request("PUT", "\(Self.records)/\(name)", body: record, asking: node, within: limit) }
        guard [200, 201].contains(reply.status) else {
            throw Problem(.failure, "\(node.name) did not take a write", why: "status \(reply.status): \(reply.body.prefix(300))")
        }
    }

    /// Waits until a write is taken, as after an election.
    public func waitForWrites(_ value: String, as name: String, asking server: Node? = nil, _ budget: Budget = .clusterNodes) async throws {
        let node = try server ?? spokesman
        try await Condition("\(node.name) takes writes", on: node) {
            do { try await write(value, as: name, asking: node) } catch let problem as Problem { return .no(problem.why) }
            return .yes()
        }.wait(budget)
    }

    /// Reads what ``write(_:as:asking:)`` wrote.
    ///
    /// - Returns: the value; nil when there is none.
    /// - Throws: a ``Problem`` when the API does not answer.
    public func read(_ name: String, asking server: Node? = nil) async throws -> String? {
        let node = try server ?? spokesman
        let (status, body) = try await get("\(Self.records)/\(name)", asking: node)
        switch status {
        case 200: return try JSONDecoder().decode(Record.self, from: Data(body.utf8)).data?[Record.key]
        case 404: return nil
        default: throw Problem(.failure, "\(node.name) cannot be read from", why: "status \(status): \(body.prefix(300))")
        }
    }

    /// Waits until each of several servers reads the same value.
    ///
    /// - Throws: a ``Problem`` that says which reads what instead.
    public func waitForData(_ value: String, as name: String, asking servers: [Node], _ budget: Budget = .clusterNodes) async throws {
        try await eventually(
            servers.map { node in
                Condition("\(node.name) reads '\(value)' in \(name)", on: node) {
                    let found = try await read(name, asking: node)
                    return found == value ? .yes() : .no("it reads \(found.map { "'\($0)'" } ?? "nothing")")
                }
            }, budget)
    }

    /// The object as JSON.
    static func record(_ value: String, _ name: String) throws -> String {
        let record = Record(metadata: .init(name: name), data: [Record.key: value])
        return String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
    }

    private struct Record: Codable {
        struct Metadata: Codable { var name: String }
        static let key = "value"
        var apiVersion = "v1"
        var kind = "ConfigMap"
        var metadata: Metadata
        var data: [String: String]?
    }
}
