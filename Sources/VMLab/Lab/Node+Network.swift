import GuestShell
import LabEvents

extension Node {
    /// Gives the interfaces their planned addresses and brings them up.
    public func configureAddresses() async throws {
        let commands = plan.interfaces.filter { $0.address != nil }.map { interface in
            "ip link set \(interface.name) up && ip addr add \(interface.address ?? "") dev \(interface.name)"
        }
        if !commands.isEmpty { try await run(commands.joined(separator: " && ")) }
    }

    /// Waits in the guest until something listens on a TCP port.
    ///
    /// - Throws: a ``Problem`` when the budget is used up.
    public func waitUntilListening(port: Int, _ budget: Budget = .command) async throws {
        // A socket may listen for both families in the table of the second. State 0A is LISTEN, the port is in hexadecimal (proc(5), /proc/net/tcp). Asked with builtins only: a process costs 40 ms without KVM.
        let hexadecimal = String(port, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
        let check = """
            while :; do for table in /proc/net/tcp /proc/net/tcp6; do
            [ -r "$table" ] || continue
            while read -r _ address _ state _; do
            case $address/$state in *:\(padded)/0A) exit 0 ;; esac
            done <"$table"
            done
            sleep 0.1
            done
            """
        let limit = budget.scaled(by: context.pace)
        let result = try await execute(check, timeout: limit)
        guard result.succeeded else {
            throw Problem(
                .failure, "\(name): nobody listens on port \(port)", why: "waited \(limit.seconds.rounded(to: 1)) s; \(result.outcome)")
        }
    }
}

extension Lab {
    /// Does the same on all nodes at once.
    public func onAllNodes(_ body: @escaping @Sendable (Node) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { try await body(node) } }
            while try await group.next() != nil {}
        }
    }
}
