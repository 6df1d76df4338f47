public import LabEvents

/// The node's network as commands for a guest: plain POSIX shell with `ip` (iproute2 or busybox) and sysfs, so that nothing needs to be installed there.
extension NodeNetwork {
    /// Gives the network cards their names, whatever the image calls them.
    ///
    /// - Parameter others: the names of cards that are not the profile's, by hardware address: `eth0` may stand where another card is to be.
    public func namingCommands(others: [(mac: MACAddress, name: String)] = []) -> String {
        let wanted = (others + cards.map { ($0.link.mac, $0.link.name) }).map { "\($0.mac)) vw=\($0.name) ;;" }.joined(separator: " ")
        // A leg of a bond has the bond's address and remembers its own. A card that already has its name is left as it is, with all that is on it.
        return """
            vr=
            for vd in /sys/class/net/*; do
            [ -e "$vd/device" ] || continue
            vm=; read -r vm <"$vd/address" || continue
            [ ! -r "$vd/bonding_slave/perm_hwaddr" ] || read -r vm <"$vd/bonding_slave/perm_hwaddr"
            vw=
            case $vm in \(wanted) esac
            vc=${vd##*/}
            [ -z "$vw" ] || [ "$vw" = "$vc" ] || vr="$vr $vc:$vw"
            done
            vn=0
            for vp in $vr; do
            ip link set dev "${vp%%:*}" down && ip link set dev "${vp%%:*}" name "vmlab$vn" || exit 1
            vn=$((vn + 1))
            done
            vn=0
            for vp in $vr; do
            ip link set dev "vmlab$vn" name "${vp#*:}" || exit 1
            [ "${vp#*:}" != eth0 ] || ip link set dev eth0 up
            vn=$((vn + 1))
            done

            """
    }

    /// Removes bonds and VLAN interfaces that have the plan's names, from earlier and perhaps otherwise made.
    public func clearingCommands() -> String {
        links.reversed().map { link in
            if case .card = link.kind { return "" }
            return "[ ! -e /sys/class/net/\(link.name) ] || ip link del dev \(link.name) || exit 1\n"
        }.joined()
    }

    /// Makes the network with `ip` and sysfs. The cards have their names; nothing of the plan's bonds and VLAN interfaces is there.
    public func ipCommands() -> String {
        var lines = [
            "vmlab_quiet() { [ ! -w /proc/sys/net/ipv6/conf/$1/addr_gen_mode ] || echo 1 >/proc/sys/net/ipv6/conf/$1/addr_gen_mode; }"
        ]
        if links.contains(where: { if case .bond = $0.kind { true } else { false } }) { lines.append("modprobe -q bonding") }
        if links.contains(where: { if case .vlan = $0.kind { true } else { false } }) { lines.append("modprobe -q 8021q") }
        lines.append("set -e")
        for link in links {
            switch link.kind {
            case .card(let card):
                lines.append("ip addr flush dev \(link.name)")
                lines += card.bond == nil ? up(link) : ["ip link set dev \(link.name) down mtu \(link.mtu)"]
            case .bond(let bond): lines += made(link, bond)
            case .vlan(let id, let parent):
                lines.append("ip link add link \(parent) name \(link.name) type vlan id \(id)")
                lines += up(link)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The bond's parameters in the order that the kernel wants: the mode before there is a leg, the primary after it is one
    /// (Documentation/networking/bonding.rst).
    private func made(_ link: LinkPlan, _ bond: NetworkProfile.Bond) -> [String] {
        let folder = "/sys/class/net/\(link.name)/bonding"
        // Loading the driver may have made a bond0 of its own.
        var lines = [
            "[ -e /sys/class/net/\(link.name) ] || echo +\(link.name) >/sys/class/net/bonding_masters",
            "echo \(bond.mode.rawValue) >\(folder)/mode", "echo \(bond.miimon) >\(folder)/miimon",
            "echo \(bond.upDelay) >\(folder)/updelay", "echo \(bond.downDelay) >\(folder)/downdelay",
        ]
        if bond.mode == .activeBackup { lines.append("echo \(NetworkProfile.Bond.notifications) >\(folder)/num_grat_arp") }
        if let rate = bond.lacpRate { lines.append("echo \(rate.rawValue) >\(folder)/lacp_rate") }
        if let reselect = bond.primaryReselect { lines.append("echo \(reselect.rawValue) >\(folder)/primary_reselect") }
        lines += bond.legs.map { "echo +\($0) >\(folder)/slaves" }
        if let primary = bond.primary { lines.append("echo \(primary) >\(folder)/primary") }
        return lines + up(link)
    }

    private func up(_ link: LinkPlan) -> [String] {
        var lines: [String] = []
        // No link-local address where the plan has no IPv6, as in the users' images.
        if !link.addresses.contains(where: \.isIPv6) { lines.append("vmlab_quiet \(link.name)") }
        lines.append("ip link set dev \(link.name) mtu \(link.mtu) up")
        for address in link.addresses where address.isIPv6 || !link.dhcp { lines.append("ip addr add \(address) dev \(link.name)") }
        if link.dhcp { lines.append(Self.dhcpClient(link.name)) }
        return lines
    }

    /// Asks again for every address that comes by DHCP. A client that runs is told to; where none does, one is started.
    public func renewingCommands() -> String {
        links.filter(\.dhcp).map { link in
            """
            vp=; [ ! -r /run/vmlab/dhcp-\(link.name).pid ] || read -r vp </run/vmlab/dhcp-\(link.name).pid
            if command -v networkctl >/dev/null && systemctl is-active --quiet systemd-networkd; then
            networkctl renew \(link.name)
            elif [ -n "$vp" ] && [ -e /proc/$vp ] && command -v udhcpc >/dev/null; then
            kill -USR1 $vp
            else
            \(Self.dhcpClient(link.name))
            fi

            """
        }.joined()
    }

    /// Starts whatever DHCP client the guest has. busybox's wants a script that sets what it was given.
    private static func dhcpClient(_ interface: String) -> String {
        """
        mkdir -p /run/vmlab
        if command -v udhcpc >/dev/null; then
        printf '%s\\n' '#!/bin/sh' 'case $1 in' 'bound|renew) ip addr show dev $interface | grep -q " $ip/$mask " || { ip addr flush dev $interface; ip addr add $ip/$mask dev $interface; } ;;' 'deconfig) ip addr flush dev $interface ;;' esac >/run/vmlab/dhcp
        chmod 755 /run/vmlab/dhcp
        [ ! -r /run/vmlab/dhcp-\(interface).pid ] || kill "$(cat /run/vmlab/dhcp-\(interface).pid)" 2>/dev/null || :
        udhcpc -b -t 3 -T 2 -A 2 -i \(interface) -s /run/vmlab/dhcp -p /run/vmlab/dhcp-\(interface).pid </dev/null >/dev/null 2>&1
        elif command -v dhclient >/dev/null; then
        dhclient -4 -nw -pf /run/vmlab/dhcp-\(interface).pid \(interface) </dev/null >/dev/null 2>&1
        else
        echo "there is no DHCP client: systemd-networkd, udhcpc or dhclient" >&2
        exit 1
        fi
        """
    }
}
