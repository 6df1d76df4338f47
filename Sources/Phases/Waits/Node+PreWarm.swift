import GuestShell
import LabEvents
public import VMLab

extension Node {
    /// What counts as a fast connection on a host of pace 1.
    private static let fast = Duration.milliseconds(50)
    /// How many connections are tried.
    private static let attempts = 12

    /// Makes the first TCP connection on a path that may be slow at first, so that what follows does not pay for it: removes the guest's neighbour entry, so that
    /// the address is asked for anew, and connects until two connections in a row were fast (50 ms times the pace).
    ///
    /// What was measured is an event, a warning when the path did not become fast.
    ///
    /// - Parameter isRequired: whether that is an error.
    /// - Throws: a ``Problem`` when the guest cannot be asked; and with `isRequired` when the path did not become fast.
    @discardableResult
    public func preWarmTCP(to host: String, port: Int, isRequired: Bool = false, file: String = #fileID, line: Int = #line) async throws
        -> PreWarmReport
    {
        let limit = GuestPoll.seconds(.seconds(15) * max(1, pace))
        let fast = Self.fast * max(1, pace)
        try GuestPoll.check(host: host, port: port)
        let script = Self.script(host, port, limit: limit, fast: fast)
        let result = try await succeed(script, timeout: .seconds(limit * Self.attempts + 30), file: file, line: line)
        let report = PreWarmReport(host: host, port: port, fast: fast.seconds, text: result.stdout.text)
        let words = "\(name): TCP to \(host):\(port): \(report.text)"
        events.message(words, node: name, severity: report.isWarm ? .info : .warning)
        if isRequired, !report.isWarm {
            throw Problem(.failure, "\(name): TCP to \(host):\(port) did not become fast", location: "\(file):\(line)", why: report.text)
        }
        return report
    }

    /// Prints `neighbour WORDS`, then `connect MICROSECONDS STATUS ERROR` for each connection.
    private static func script(_ host: String, _ port: Int, limit: Int, fast: Duration) -> String {
        """
        [ -n "${EPOCHREALTIME-}" ] || { echo 'this needs bash 5 in the guest' >&2; exit 1; }
        _vhost=\(ShellQuoting.quote(host)) _vf=
        _vnow() { _vt=$EPOCHREALTIME; _vt=${_vt%[.,]*}${_vt#*[.,]}; }
        _vtry() {
        _vnow; _vb=$_vt
        command exec 3<>/dev/tcp/$_vhost/\(port); _vr=$?
        _vnow; _va=$((_vt - _vb)) _vo=$_vr; }
        \(GuestPoll.child)
        exec 9<> <(:)
        set -- $(ip route get "$_vhost" 2>/dev/null)
        _vhop=$_vhost _vdev=
        while [ $# -gt 1 ]; do case $1 in via) _vhop=$2 ;; dev) _vdev=$2 ;; esac; shift; done
        if [ -n "$_vdev" ] && [ "$_vdev" != lo ]; then
        _vx=$(ip neigh show dev "$_vdev" 2>/dev/null | while read -r _vx _vy; do [ "$_vx" = "$_vhop" ] && echo "$_vx dev $_vdev $_vy"; done)
        [ -z "$_vx" ] || echo "neighbour $_vx"
        ip neigh del "$_vhop" dev "$_vdev" 2>/dev/null || ip neigh flush to "$_vhop" dev "$_vdev" 2>/dev/null
        fi
        _vq=0 _vm=0
        while [ $_vm -lt \(attempts) ] && [ $_vq -lt 2 ]; do
        _vm=$((_vm + 1))
        _vo=; _vnow; _vs=$_vt
        _vchild \(limit)
        case $_va/$_vo in
        [0-9]*/0) echo "connect $_va 0"; if [ $_va -lt \(Int(fast / .microseconds(1))) ]; then _vq=$((_vq + 1)); else _vq=0; fi ;;
        *) _vnow; echo "connect $((_vt - _vs)) 1 ${_vz:-$_vo}"; _vq=0; [ $((_vt - _vs)) -gt 500000 ] || read -rt 0.5 -u 9 _vx ;;
        esac
        done
        exit 0
        """
    }
}

extension PreWarmReport {
    /// The report from what the guest's script prints.
    ///
    /// - Parameter fast: what counts as fast, in seconds.
    init(host: String, port: Int, fast: Double, text: String) {
        self.init(host: host, port: port, neighbourBefore: nil, connections: [], lastError: nil, isWarm: false, firstSeconds: nil)
        var failed = 0.0
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            switch words.first {
            case "neighbour": neighbourBefore = String(line.dropFirst("neighbour ".count))
            case "connect" where words.count >= 3:
                let seconds = ((Double(words[1]) ?? 0) / 1_000_000).rounded(to: 4)
                if words[2] == "0" {
                    connections.append(seconds)
                    firstSeconds = firstSeconds ?? (failed + seconds).rounded(to: 4)
                } else {
                    connections.append(nil)
                    if firstSeconds == nil { failed += seconds }
                    lastError = words.count > 3 ? words[3] : "it failed"
                }
            default: break
            }
        }
        isWarm = connections.count >= 2 && connections.suffix(2).allSatisfy { ($0 ?? .infinity) < fast }
    }

    /// `first 7.13 s, last 0.002 s, 3 connections; it mattered`.
    var text: String {
        func words(_ seconds: Double?) -> String { seconds.map { "\($0.rounded(to: 3)) s" } ?? "none" }
        var text = "first \(words(firstSeconds)), last \(words(lastSeconds)), \(connections.count) connections"
        text += mattered ? "; it mattered" : "; it made no difference"
        if !isWarm { text += "; it is still slow" }
        if let lastError { text += "; one failed: \(lastError)" }
        return text + "; neighbour before: " + (neighbourBefore ?? "none")
    }
}
