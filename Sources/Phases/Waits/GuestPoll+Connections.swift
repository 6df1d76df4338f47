import GuestShell
import LabEvents
import VMLab

extension GuestPoll {
    /// Whether the guest can connect to a TCP port: by bash itself, or by nc where there is no bash.
    static func connection(_ host: String, _ port: Int, limit: Duration) throws(Problem) -> GuestPoll {
        try check(host: host, port: port)
        return GuestPoll(
            setup: """
                _vhost=\(ShellQuoting.quote(host))
                _vtry() {
                command exec 3<>/dev/tcp/$_vhost/\(port) || return 1
                _vo='connected' _va=y; }
                \(child)
                """,
            check: """
                case ${BASH_VERSION-} in
                ?*) _vchild \(Self.seconds(limit)) ;;
                *) if _vo=$(nc -z -w \(Self.seconds(limit)) "$_vhost" \(port) 2>&1 </dev/null); then _va=y _vo=connected
                else _va=n _vo=${_vo##*: }; case $_vo in *option*|*found*|*applet*) _va=\\? ;; esac; fi ;;
                esac
                """)
    }

    /// Runs `_vtry` in a child for at most `$1` seconds: the kernel gives up a connection after two minutes only. The child says its answer on the pipe 9, and
    /// so do the complaints of the shell itself, of which the first names the cause (`bash: connect: Connection refused`).
    static let child = #"""
        _vj=0
        _vchild() {
        _vj=$((_vj + 1))
        ( trap '' PIPE; LC_ALL=C; _va=n _vo=; _vtry 2>&9; printf '\n=%s %s%s %s\n' $_vj "$_va" "$_vf" "$_vo" >&9 ) &
        _vk=$! _vz= _va=n
        while :; do
        if ! IFS= read -rt $1 -u 9 _vx; then
        kill -KILL $_vk; _vo="no answer within $1 s"
        break
        fi
        case $_vx in
        "=$_vj "*)
        _vx=${_vx#* }; _va=${_vx%% *} _vo=${_vx#* }
        case $_va in *F) _vf=F _va=${_va%F} ;; esac
        : "${_vo:=$_vz}"
        break ;;
        ?*) : "${_vz:=${_vx##*: }}" ;;
        esac
        done
        wait $_vk 2>/dev/null; }
        """#

    static func seconds(_ limit: Duration) -> Int { max(1, Int(limit.seconds.rounded(.up))) }

    /// Names and addresses have no characters that mean something to a shell.
    static func check(host: String, port: Int) throws(Problem) {
        try check(port: port)
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") }) else {
            throw Problem(.invalidInput, "'\(host)' is no host", why: "an address or a name is needed")
        }
    }
}
