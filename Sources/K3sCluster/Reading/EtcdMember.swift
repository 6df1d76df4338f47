import FoundationEssentials
public import LabEvents

/// A member of the etcd cluster.
public struct EtcdMember: Sendable, Equatable, Codable {
    /// Its number, in hexadecimal as etcdctl prints it.
    public var identifier: String
    /// Its name, `NODE-<8 hex>`; empty for one that has been added and never started.
    public var name: String
    /// Where the other members reach it.
    public var peerURLs: [String]
    /// Where clients reach it.
    public var clientURLs: [String]
    /// Whether it does not vote yet.
    public var isLearner: Bool

    /// A member from its parts.
    public init(identifier: String, name: String, peerURLs: [String] = [], clientURLs: [String] = [], isLearner: Bool = false) {
        (self.identifier, self.name, self.isLearner) = (identifier, name, isLearner)
        (self.peerURLs, self.clientURLs) = (peerURLs, clientURLs)
    }

    /// The node's name: k3s puts a hyphen and 8 hexadecimal digits behind it.
    public var node: String {
        guard let hyphen = name.lastIndex(of: "-"), name[hyphen...].dropFirst().count == 8 else { return name }
        return String(name[..<hyphen])
    }

    /// The members from what `/db/info` of k3s's supervisor, `etcdctl member list -w json` or etcd's `/v3/cluster/member/list` answer.
    ///
    /// - Throws: a ``Problem`` with the answer's beginning when it is none of these.
    public static func list(_ json: [UInt8]) throws(Problem) -> [EtcdMember] {
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(json)).members.map(\.member)
        } catch {
            throw Problem(.failure, "no list of etcd members", why: "the answer was '\(String(decoding: json.prefix(200), as: UTF8.self))'")
        }
    }

    private struct Answer: Decodable {
        var members: [Member]
    }

    private struct Member: Decodable {
        var member: EtcdMember

        enum Key: String, CodingKey { case ID, name, peerURLs, clientURLs, isLearner }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            member = EtcdMember(
                identifier: String(try container.decode(WholeNumber.self, forKey: .ID).value, radix: 16),
                name: try container.decodeIfPresent(String.self, forKey: .name) ?? "",
                peerURLs: try container.decodeIfPresent([String].self, forKey: .peerURLs) ?? [],
                clientURLs: try container.decodeIfPresent([String].self, forKey: .clientURLs) ?? [],
                isLearner: try container.decodeIfPresent(Bool.self, forKey: .isLearner) ?? false)
        }
    }
}

/// A whole number, which etcd's gateway writes as a text and etcdctl as a number.
struct WholeNumber: Decodable, Equatable {
    var value: UInt64

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(UInt64.self) {
            value = number
        } else if let text = try? container.decode(String.self), let number = UInt64(text) {
            value = number
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no whole number")
        }
    }
}
