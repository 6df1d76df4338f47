import Foundation
import LabEvents
import Testing

@testable import K3sCluster

/// What a cluster shows while something of it is lost.
@Suite("Outages", .tier(.unit))
struct OutageTests {
    private static let names = ["server-1", "server-2", "server-3"]

    private func report(_ statuses: [String: (leader: String?, term: UInt64)]) -> EtcdReport {
        let members = Self.names.map { EtcdMember(identifier: "id-\($0)", name: "\($0)-0123abcd", clientURLs: ["https://x:2379"]) }
        let told = statuses.map { ("id-\($0)", EtcdStatus(member: "id-\($0)", leader: $1.leader.map { "id-\($0)" }, term: $1.term)) }
        return EtcdReport(members: members, statuses: Dictionary(uniqueKeysWithValues: told))
    }

    @Test("The others go on without a lost member, once they agree on a leader among them") func others() {
        let lost = report(["server-1": ("server-2", 3), "server-2": ("server-2", 3)])
        #expect(lost.problems(expecting: Self.names) == ["server-3 does not answer"])
        #expect(lost.problems(expecting: Self.names, without: ["server-3"]).isEmpty)
        #expect(lost.absent.map(\.node) == ["server-3"])
        // A member behind a partition answers whoever asks it in its guest.
        let alone = report(["server-1": (nil, 2), "server-2": ("server-3", 3), "server-3": ("server-3", 3)])
        #expect(!alone.problems(expecting: Self.names).isEmpty)
        #expect(alone.problems(expecting: Self.names, without: ["server-1"]).isEmpty)
        #expect(alone.told(by: ["server-2", "server-3"]).leader?.node == "server-3")
        #expect(alone.absent.map(\.node) == ["server-1"])
    }

    @Test("A leader that is lost, and an election that goes on, are no going on") func notYet() {
        let before = report(["server-2": ("server-1", 2), "server-3": ("server-1", 2)])
        #expect(before.problems(expecting: Self.names, without: ["server-1"]) == ["they still take server-1 for their leader"])
        let election = report(["server-2": (nil, 3), "server-3": (nil, 3)])
        #expect(election.problems(expecting: Self.names, without: ["server-1"]) == ["they agree on no leader"])
        #expect(election.absent.map(\.node) == ["server-1"])
        let terms = report(["server-2": ("server-3", 4), "server-3": ("server-3", 3)])
        #expect(terms.problems(expecting: Self.names, without: ["server-1"]) == ["they are in different terms"])
        let silent = report(["server-2": ("server-2", 3)])
        #expect(silent.problems(expecting: Self.names, without: ["server-1"]) == ["server-3 does not answer"])
    }

    @Test("A member of the same name that is another one is a change") func members() {
        let before = report([:])
        var after = before
        #expect(after.changes(since: before).isEmpty)
        after.members[2].identifier = "other"
        #expect(after.changes(since: before) == ["server-3 is a new member (other)", "server-3 is no longer the member id-server-3"])
    }

    @Test("A phase that takes the quorum away is refused unless it says so; members that are lost already count") func refusal() throws {
        let quorum = EtcdQuorum(voters: Self.names)
        try quorum.check(losing: ["server-3"], isMeant: false)
        let refused = #expect(throws: Problem.self) { try quorum.check(losing: ["server-2"], besides: ["server-3"], isMeant: false) }
        #expect(refused?.kind == .invalidInput && refused?.remedy?.contains("removingQuorum: true") == true)
        #expect(refused?.why == "1 of 3 voting members would be left, and 2 are needed; server-3 takes no part already")
        try quorum.check(losing: ["server-2"], besides: ["server-3"], isMeant: true)
        // The same one twice is lost once.
        try quorum.check(losing: ["server-3"], besides: ["server-3"], isMeant: false)
    }

    struct Loss: Sendable {
        var write: Int
        var readyz: Int
        var body: String
        var leader: Bool?
        var problem: String?
    }

    /// kubernetes staging/src/k8s.io/apiserver/pkg/server/healthz/healthz.go:handleRootHealth; k3s-io/k3s pkg/util/apierrors.go:SendError.
    private static let unhealthy = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"
    private static let down =
        #"{"kind":"Status","status":"Failure","message":"apiserver not ready","reason":"ServiceUnavailable","code":503}"#

    @Test(
        "No writes, and for want of a quorum",
        arguments: [
            Loss(write: 0, readyz: 500, body: unhealthy, leader: false), Loss(write: 504, readyz: 500, body: unhealthy, leader: false),
            Loss(write: 503, readyz: 503, body: down, leader: false), Loss(write: 0, readyz: 0, body: "", leader: false),
            Loss(write: 201, readyz: 500, body: unhealthy, leader: false, problem: "the write was taken"),
            Loss(write: 403, readyz: 500, body: unhealthy, leader: false, problem: "the write was refused for another reason"),
            Loss(write: 500, readyz: 200, body: "ok", leader: false, problem: "/readyz is well"),
            Loss(
                write: 500, readyz: 500, body: "[+]etcd ok\n[-]informer-sync failed: reason withheld\n", leader: false,
                problem: "/readyz fails, and not because of etcd"),
            Loss(write: 504, readyz: 500, body: unhealthy, leader: true, problem: "etcd has a leader"),
            Loss(write: 0, readyz: 0, body: "", leader: nil, problem: "etcd tells nothing"),
        ])
    func quorumLoss(_ one: Loss) {
        let metrics = one.leader.flatMap { EtcdMetrics("etcd_server_has_leader \($0 ? 1 : 0)\n") }
        #expect(QuorumLoss(write: one.write, readyz: (one.readyz, one.body), metrics: metrics).problem == one.problem)
    }

    @Test("What was seen of it, in words") func words() {
        let loss = QuorumLoss(write: 0, readyz: (500, Self.unhealthy), metrics: EtcdMetrics("etcd_server_has_leader 0\n"))
        #expect(loss.text == "a write: no answer; /readyz: 500, failed etcd; etcd has no leader")
    }

    struct Presence: Sendable {
        var exit: Int
        var output: String
        var seen: APIPresence?
    }

    /// curl(1), EXIT CODES, and what curl 7.88 prints.
    @Test(
        "Who does not answer is not who does not listen",
        arguments: [
            Presence(exit: 0, output: "*   Trying 10.0.0.1:6443...\n\n200 1 0.25\n", seen: .answers(status: 200, seconds: 0.25)),
            Presence(
                exit: 28,
                output: "* Connected to x (x) port 6443 (#0)\ncurl: (28) Connection timed out after 6001 milliseconds\n\n000 1 6.002652\n",
                seen: .silent(afterSeconds: 6.002652)),
            Presence(
                exit: 28, output: "curl: (28) Connection timed out after 6001 milliseconds\n\n000 0 6.002\n",
                seen: .unreachable("curl: (28) Connection timed out after 6001 milliseconds")),
            Presence(
                exit: 7,
                output: "* connect to x port 6443 failed: Connection refused\ncurl: (7) Failed to connect to x port 6443\n\n000 0 0.001\n",
                seen: .refused),
            Presence(
                exit: 7, output: "curl: (7) Failed to connect to x port 6443 after 3156 ms: Couldn't connect to server\n\n000 0 3.159406\n",
                seen: .unreachable("curl: (7) Failed to connect to x port 6443 after 3156 ms: Couldn't connect to server")),
            Presence(
                exit: 60,
                output:
                    "curl: (60) SSL certificate problem: certificate is not yet valid\nMore details here: https://curl.se\n\n000 1 0.1\n",
                seen: .untrusted("curl: (60) SSL certificate problem: certificate is not yet valid")),
            Presence(exit: 127, output: "sh: curl: not found\n", seen: nil),
        ])
    func presence(_ one: Presence) {
        #expect(APIPresence(exit: one.exit, output: one.output) == one.seen)
    }

    @Test("When a lease was renewed") func lease() throws {
        let renewed = try #require(LabCluster.renewal(Array(#"{"spec":{"renewTime":"2026-01-02T03:04:05.678901Z"}}"#.utf8)))
        #expect(renewed.timeIntervalSince1970 == 1_767_323_045)
        #expect(LabCluster.renewal(Array("{}".utf8)) == nil)
    }

    @Test("A record is a ConfigMap, whatever is in it") func record() throws {
        let json = try LabCluster.record("a \"b\"\n", "x")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["kind"] as? String == "ConfigMap" && (object["data"] as? [String: String])?["value"] == "a \"b\"\n")
    }
}
