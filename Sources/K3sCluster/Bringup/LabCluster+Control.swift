import GuestShell
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    /// What a script of ``takeControl(of:)`` prints for what was there.
    private static let marks = (ran: "ran ", left: "data ")

    /// What makes a server another cluster's, below `server` of the data directory: a start with it is not a first start (k3s-io/k3s pkg/etcd/etcd.go:IsInitialized).
    static let taken = ["db", "tls", "token", "cred", "node-token", "agent-token"]
    /// The servers that an agent has been told of.
    static let balancer = "agent/etc/k3s-agent-load-balancer.json"

    /// Stops what a boot started, and removes what it left: database, certificates, token and credentials. Both are looked at afterwards.
    ///
    /// - Returns: what was found, in a few words.
    /// - Throws: a ``Problem`` when something of it is still there.
    public func takeControl(of node: Node) async throws -> String {
        let dialect = try await dialect(of: node)
        let data = dialect.dataFolder
        let units = Array(Set(K3sDialect.known.flatMap(\.units) + dialect.units)).sorted().joined(separator: " ")
        let limit = node.budget(.k3sStop).scaled(by: node.pace)
        // The control group of a stopped unit may have children left: k3s's unit ends its main process alone (KillMode=process).
        let output = try await node.succeed(
            """
            left() { cat /sys/fs/cgroup/system.slice/$1/cgroup.procs /sys/fs/cgroup/systemd/system.slice/$1/cgroup.procs 2>/dev/null; }
            # One call for all units: each takes most of a second on a slow host. Prints `UNIT LOAD ACTIVE` for each.
            states() { systemctl show -p Id -p LoadState -p ActiveState \(units) | while IFS='=' read -r key value; do
            case $key in Id) id=$value ;; LoadState) load=$value ;; ActiveState) active=$value ;; esac
            [ -z "$id" ] || [ -z "$load" ] || [ -z "$active" ] || { echo "$id $load $active"; id='' load='' active=''; }
            done | grep ' loaded '; }
            before=$(states)
            running=
            while read -r unit load active; do
            [ -n "$unit" ] || continue
            case $active in inactive) ;; *) echo "\(Self.marks.ran)$unit $active"; running="$running $unit" ;; esac
            done <<END
            $before
            END
            if [ -n "$running" ]; then
            systemctl stop $running || { echo "$running cannot be stopped" >&2; exit 1; }
            for unit in $running; do
            for try in 1 2 3 4 5; do
            some=$(left $unit); [ -n "$some" ] || break
            kill -9 $some 2>/dev/null; sleep 0.2
            done
            some=$(left $unit); [ -z "$some" ] || { echo "$unit has processes left:" $some >&2; exit 1; }
            done
            systemctl reset-failed $running 2>/dev/null
            after=$(states)
            while read -r unit load active; do
            case $active in inactive|failed|'') ;; *) echo "$unit is still $active" >&2; exit 1 ;; esac
            done <<END
            $after
            END
            fi
            for path in \(Self.taken.joined(separator: " ")); do
            it=\(data)/server/$path
            [ -e $it ] || [ -L $it ] || continue
            case $path in *-token) ;; *) echo "\(Self.marks.left)$path" ;; esac
            # The database may be a mount of its own.
            [ -d $it ] && [ ! -L $it ] && find $it -xdev -mindepth 1 -delete
            rm -rf $it 2>/dev/null || rmdir $it 2>/dev/null || :
            done
            rm -f \(data)/\(Self.balancer)
            for path in db tls cred; do
            [ -z "$(ls -A \(data)/server/$path 2>/dev/null)" ] || { echo "\(data)/server/$path is not empty" >&2; exit 1; }
            done
            [ ! -e \(data)/server/token ] || { echo '\(data)/server/token is still there' >&2; exit 1; }
            echo \(node.name) >/proc/sys/kernel/hostname
            echo \(node.name) 2>/dev/null >/etc/hostname || :
            grep -q '[[:space:]]\(node.name)$' /etc/hosts 2>/dev/null || echo '127.0.1.1 \(node.name)' 2>/dev/null >>/etc/hosts || :
            """, timeout: limit
        ).stdout.text
        let lines = output.split(separator: "\n").map(String.init)
        let ran = lines.filter { $0.hasPrefix(Self.marks.ran) }.map { String($0.dropFirst(Self.marks.ran.count)) }
        let left = lines.filter { $0.hasPrefix(Self.marks.left) }.map { String($0.dropFirst(Self.marks.left.count)) }
        if ran.isEmpty, left.isEmpty { return "nothing ran" }
        return (ran.isEmpty ? "nothing ran" : "stopped \(ran.joined(separator: ", "))")
            + (left.isEmpty ? "" : "; removed \(left.joined(separator: ", "))")
    }

    /// Makes a guest ready for its part: the gate and the restarts of its unit, the unit that starts at a boot, registries.
    ///
    /// - Returns: what was made, in a few words.
    public func prepare(_ node: Node) async throws -> String {
        let dialect = try await dialect(of: node)
        let service = dialect.service(isServer: isServer(node))
        let address = try address(of: node)
        let gate = K3sGate(address: address, limit: .seconds(address.kind.gateSeconds) * max(1, lab.plan.host.pace), unit: service.unit)
        let others = dialect.units.filter { $0 != service.unit } + K3sDialect.known.flatMap(\.units).filter { !dialect.units.contains($0) }
        try await node.succeed(
            Self.file(K3sGate.path, gate.script, mode: "755")
                + Self.file("/etc/systemd/system/\(service.unit).d/90-vmlab.conf", K3sGate.dropIn)
                    + """
                    # Reading all units anew takes systemd many seconds without KVM: once, and not after each change.
                    set --
                    for unit in \(others.joined(separator: " ")); do
                    for link in /etc/systemd/system/*.wants/$unit; do [ ! -L "$link" ] || set -- "$@" $unit; break; done
                    done
                    [ $# = 0 ] || systemctl disable -q --no-reload "$@" || systemctl mask -q --no-reload --runtime "$@"
                    systemctl enable -q --no-reload \(service.unit) 2>/dev/null
                    systemctl daemon-reload
                    \(K3sGate.path) \(service.unit) 0
                    """, timeout: gate.limit + .seconds(30))
        var done = "gate on \(address.interface) \(address.first)"
        let registries = try await K3sRegistries.fromEnvironment()
        if let yaml = registries.yaml {
            try registries.hide(in: lab.secrets)
            try await write(yaml, to: K3sRegistries.path, on: node)
            done += "; registries \(registries)"
        }
        return done
    }

    /// Writes a file that root alone can read; its content is in no command and no log.
    func write(_ text: String, to path: String, on node: Node) async throws {
        try await node.ask("mkdir -p \(ShellQuoting.quote(Self.folder(path)))")
        try await node.machine().shell.write(Array(text.utf8), to: path, mode: 0o600)
    }

    private static func folder(_ path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }
}
