import GuestShell
import LabEvents
import NetworkProfiles
import Phases
public import VMLab

extension Scenario {
    /// Two nodes on one switch, or on the network of a profile: that they boot and reach each other, by ARP, ICMP and TCP, and that bytes arrive as
    /// they were sent.
    public static let twoNodes = Scenario(
        "two-nodes",
        intent: "Two nodes on one switch or on --profile: boot, addresses, ARP, ICMP and TCP both ways, 20 MB compared byte for byte.",
        network: .any(otherwise: "a", "b"), nodes: 2, tags: ["smoke", "network"]
    ) {
        Phase.boot
        Phase.network
        Phase.reachability
        Phase.addressesStay
        Phase("TCP") { lab in
            let (a, b) = (lab.clusterNodes[0], lab.clusterNodes[1])
            for (from, to) in [(a, b), (b, a)] {
                let address = try lab.address(of: to, for: from)
                try await lab.step("TCP \(from.name) → \(to.name)") {
                    let greeting = "hello from \(from.name) \(lab.plan.seed)"
                    let heard = try await to.listen(port: 7001, into: "cat") {
                        try await from.run("exec 3<>/dev/tcp/\(address)/7001 && echo '\(greeting)' >&3")
                    }
                    guard heard == greeting else { throw Problem(.failure, "\(to.name) heard '\(heard)'", why: "'\(greeting)' was sent") }
                }
            }
        }
        Phase("20 MB") { lab in
            let (a, b) = (lab.clusterNodes[0], lab.clusterNodes[1])
            let address = try lab.address(of: b, for: a)
            let sent = try await a.run("head -c 20000000 /dev/urandom >/tmp/payload && sha256sum </tmp/payload").stdout.trimmed
            let begin = ContinuousClock.now
            let received = try await b.listen(port: 7002, into: "sha256sum") {
                try await a.run("exec 3<>/dev/tcp/\(address)/7002 && cat /tmp/payload >&3")
            }
            let seconds = begin.duration(to: .now).seconds
            guard sent == received else { throw Problem(.failure, "the 20 MB differ", why: "sent \(sent), received \(received)") }
            for node in [a, b] { try await node.run("rm -f /tmp/payload") }
            return "\(a.name) → \(b.name) \((20 / seconds).rounded(to: 1)) MB/s, SHA-256 \(sent.prefix(12))…"
        }
    }
}

extension Lab {
    /// An address at which one node should reach another.
    fileprivate func address(of node: Node, for other: Node) throws -> String {
        let pair = plan.network?.pairs.first { $0.from == other.name && $0.to == node.name && $0.isConnected }
        let address = pair.flatMap { node.network?.link($0.toInterface)?.addresses.first?.address }
        // A profile that is meant to fail has shown by now that it does.
        guard let address else { throw Skip.byDesign("the network is to keep \(other.name) and \(node.name) apart") }
        return "\(address)"
    }
}

extension Node {
    /// Listens on a TCP port while `body` runs.
    ///
    /// - Parameter consumer: a command that reads the connection.
    /// - Returns: what the consumer printed.
    fileprivate func listen(port: Int, into consumer: String, _ body: @Sendable () async throws -> Void) async throws -> String {
        // Images have one or the other: busybox's nc, or Perl, which Debian's base always has.
        let perl =
            #"perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0);setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1);bind(S,sockaddr_in(\#(port),INADDR_ANY))||die $!;listen(S,1);accept(C,S);while(sysread(C,$b,65536)){print $b}'"#
        let server = "if command -v nc >/dev/null; then nc -l -p \(port); else \(perl); fi"
        async let heard = run("\(server) | \(consumer)").stdout.trimmed
        // Its own guest knows when somebody listens; asking from outside would be a connection of its own.
        try await waitUntilListening(port: port)
        try await body()
        return try await heard
    }
}
