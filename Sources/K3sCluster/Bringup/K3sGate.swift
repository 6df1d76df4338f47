/// What a unit of k3s waits for before each start, in the guest: carrier and address of the cluster's interface. It also makes sure of what a boot may have lost: a
/// default route, and the kernel's log device.
struct K3sGate: Sendable, Equatable {
    var address: ClusterAddress
    /// How long it waits at most.
    var limit: Duration
    var unit: String

    /// Where the script lies; it must be there after a reboot too.
    static let path = "/etc/vmlab/k3s-gate"

    /// The unit's own part: the gate, no time limit for a start and none for the number of starts, and starts again that come from 5 s to 30 s apart.
    ///
    /// Restart=always and not on-failure: newer releases of k3s end with status 0 after a fatal error (k3s-io/k3s commit 4974fc7c2). systemd before version 254 ignores
    /// the two keys of the ramp; there the gate makes it.
    static let dropIn = """
        [Unit]
        StartLimitIntervalSec=0

        [Service]
        TimeoutStartSec=infinity
        Restart=always
        RestartSec=5
        RestartSteps=5
        RestartMaxDelaySec=30
        ExecStartPre=\(path) %n

        """

    /// The script: its arguments are the unit and, where it is not systemd who starts it, the number of starts before.
    var script: String {
        let first = address.first
        let seconds = Int((Double(limit.components.seconds)).rounded(.up))
        let family = first.contains(":") ? "-6" : "-4"
        return """
            #!/bin/sh
            # Carrier and address of the cluster's interface, before k3s starts.
            unit=$1 before=$2
            [ -n "$before" ] || before=$(systemctl show -p NRestarts --value "$unit" 2>/dev/null)
            if [ "${before:-0}" -gt 0 ]; then
            version=$(systemctl --version 2>/dev/null | sed -n '1s/systemd \\([0-9]*\\).*/\\1/p')
            [ "$before" -gt 5 ] && before=5
            [ "${version:-0}" -ge 254 ] || sleep $((before * 5))
            fi
            [ -e /dev/kmsg ] || ln -s /dev/null /dev/kmsg
            end=$(($(cut -d. -f1 /proc/uptime) + \(seconds)))
            while :; do
            carrier=$(cat /sys/class/net/\(address.interface)/carrier 2>/dev/null)
            if [ "$carrier" = 1 ]; then
            # A tentative address is not usable yet.
            case $(ip -o addr show dev \(address.interface) 2>/dev/null) in *tentative*) ;; *" \(first)/"*) break ;; esac
            fi
            if [ "$(cut -d. -f1 /proc/uptime)" -ge $end ]; then
            echo "\(address.interface): carrier '$carrier', and not the address \(first) within \(seconds) s" >&2
            exit 1
            fi
            sleep 0.2
            done
            [ -n "$(ip \(family) route show default)" ] || ip \(family) route add default dev \(address.interface) metric 4096 || :

            """
    }
}
