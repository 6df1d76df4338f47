import GuestShell
import LabEvents
public import VMLab

extension Scenario {
    /// Two nodes on one switch: that they boot and reach each other, by ARP, ICMP and TCP, and that bytes arrive as they were sent.
    public static let twoNodes = Scenario(
        name: "two-nodes", summary: "Two nodes on one switch: boot, addresses, ARP, ICMP and TCP both ways, 20 MB compared byte for byte.",
        topology: { wishes throws(Problem) in
            Topology(
                nodes: [("a", "192.168.1.1/24"), ("b", "192.168.1.2/24")].map { name, address in
                    Topology.NodeRequest(
                        name: name, image: wishes.image ?? "mini", memoryMiB: wishes.memoryMiB, vcpus: wishes.vcpus,
                        interfaces: [.init(name: "eth1", segment: "lan", address: address)])
                }, segments: [.init(name: "lan")])
        },
        body: { lab in
            try await lab.step("boot") { try await lab.boot() }
            let (a, b) = (try lab.node("a"), try lab.node("b"))
            try await lab.step("addresses") {
                try await lab.onAllNodes { node in try await node.configureAddresses() }
            }
            for (from, to) in [(a, b), (b, a)] {
                let target = to.address
                try await lab.step("ARP and ICMP \(from.name) → \(to.name)") {
                    try await from.run("ping -c 3 -i 0.2 -W 5 \(target)")
                    let neighbour = try await from.run("ip neigh show \(target) dev eth1").stdout.trimmed
                    guard neighbour.lowercased().contains(to.hardwareAddress) else {
                        throw Problem(
                            .failure, "\(from.name) has another hardware address for \(target) than \(to.name)'s", why: "'\(neighbour)'",
                            remedy: "expected \(to.hardwareAddress)")
                    }
                    return "\(target) is at \(to.hardwareAddress)"
                }
            }
            for (from, to) in [(a, b), (b, a)] {
                try await lab.step("TCP \(from.name) → \(to.name)") {
                    let greeting = "hello from \(from.name) \(lab.plan.seed)"
                    let heard = try await to.listen(port: 7001, into: "cat") {
                        try await from.run("exec 3<>/dev/tcp/\(to.address)/7001 && echo '\(greeting)' >&3")
                    }
                    guard heard == greeting else { throw Problem(.failure, "\(to.name) heard '\(heard)'", why: "'\(greeting)' was sent") }
                }
            }
            try await lab.step("20 MB a → b") {
                let sent = try await a.run("head -c 20000000 /dev/urandom >/tmp/payload && sha256sum </tmp/payload").stdout.trimmed
                let begin = ContinuousClock.now
                let received = try await b.listen(port: 7002, into: "sha256sum") {
                    try await a.run("exec 3<>/dev/tcp/\(b.address)/7002 && cat /tmp/payload >&3")
                }
                let seconds = begin.duration(to: .now).seconds
                guard sent == received else { throw Problem(.failure, "the 20 MB differ", why: "sent \(sent), received \(received)") }
                try await lab.onAllNodes { node in try await node.run("rm -f /tmp/payload") }
                return "\((20 / seconds).rounded(to: 1)) MB/s, SHA-256 \(sent.prefix(12))…"
            }
        })
}

extension Node {
    /// The address of the first interface after eth0, without its prefix length.
    fileprivate var address: String { plan.interfaces.dropFirst().first?.address?.split(separator: "/").first.map(String.init) ?? "" }
    /// The hardware address of that interface, as Linux prints it.
    fileprivate var hardwareAddress: String { plan.interfaces.dropFirst().first.map { "\($0.mac)".lowercased() } ?? "" }

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
