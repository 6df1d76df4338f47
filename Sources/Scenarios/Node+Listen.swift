import GuestShell
import NetworkProfiles
import Phases
import VMLab

extension Lab {
    /// An address at which one node should reach another.
    func address(of node: Node, for other: Node) throws -> String {
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
    func listen(port: Int, into consumer: String, _ body: @Sendable () async throws -> Void) async throws -> String {
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
