extension ReachabilityProbe {
    /// A script for a guest's shell that tries all probes at once and prints a line for each.
    ///
    /// A TCP connection needs nobody who listens: the other's kernel answers that the port is closed, which proves the way there and back.
    ///
    /// - Parameters:
    ///   - probes: of one node.
    ///   - port: the TCP port that is tried.
    ///   - seconds: how long an answer may take.
    public static func script(_ probes: [ReachabilityProbe], port: Int, seconds: Int) -> String {
        // An old entry would answer instead of the other node.
        """
        vmlab_tcp() {
        if [ -n "${BASH_VERSION-}" ]; then
        vo=$(timeout \(seconds) bash -c 'vb=$EPOCHREALTIME; exec 3<>/dev/tcp/$0/$1; vs=$?; ve=$EPOCHREALTIME
        echo "took=$(((${ve%[.,]*} - ${vb%[.,]*}) * 1000 + (1${ve#*[.,]} - 1${vb#*[.,]}) / 1000))"; exit $vs' "$4" \(port) 2>&1); vs=$?
        elif command -v nc >/dev/null; then
        vo=$(timeout \(seconds) nc "$4" \(port) </dev/null 2>&1); vs=$?
        else echo "tcp $1 untested"; return; fi
        vt=
        case $vo in *took=*) vt=${vo##*took=} ;; esac
        case $vs/$vo in
        0/*) echo "tcp $1 accepted $vt" ;;
        */*efused*) echo "tcp $1 refused $vt" ;;
        */*route*|*/*nreachable*) echo "tcp $1 unreachable $vt" ;;
        *) echo "tcp $1 timeout $vt" ;;
        esac; }
        vmlab_probe() {
        ip "-$2" neigh flush to "$4" dev "$3" >/dev/null 2>&1
        vmlab_tcp "$@" &
        if ping "-$2" -c 1 -W \(seconds) -I "$3" "$4" >/dev/null 2>&1; then echo "icmp $1 yes"; else echo "icmp $1 no"; fi
        wait
        ip "-$2" neigh show to "$4" dev "$3" 2>/dev/null | while read -r vl; do echo "neighbour $1 $vl"; done; }

        """
            + probes.enumerated().map { index, probe in
                "vmlab_probe \(index) \(probe.address.isIPv6 ? 6 : 4) \(probe.pair.fromInterface) \(probe.address.address) &\n"
            }.joined() + "wait\n"
    }

    /// Reads what the script printed.
    public static func findings(_ text: String, of probes: [ReachabilityProbe]) -> [Finding] {
        var findings = probes.map { _ in Finding(icmp: false, neighbour: nil, tcp: .timeout, tcpMilliseconds: nil) }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 3, let index = Int(words[1]), findings.indices.contains(index) else { continue }
            switch words[0] {
            case "icmp": findings[index].icmp = words[2] == "yes"
            case "tcp":
                findings[index].tcp = Finding.TCP(rawValue: words[2]) ?? .timeout
                if words.count > 3 { findings[index].tcpMilliseconds = Int(words[3]) }
            case "neighbour":
                // `192.168.1.2 dev eth1 lladdr 52:54:00:12:34:56 REACHABLE`; a failed entry may keep an address that it once had.
                guard let place = words.firstIndex(of: "lladdr"), place + 1 < words.count, !words.contains("FAILED"),
                    !words.contains("INCOMPLETE")
                else { continue }
                findings[index].neighbour = words[place + 1].lowercased()
            default: break
            }
        }
        return findings
    }
}
