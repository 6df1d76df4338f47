import GuestShell
import LabEvents
import VMLab

extension GuestPoll {
    /// Whether something listens on a TCP port, by the guest's socket tables. A socket may listen for both families in the table of the second. State 0A is
    /// LISTEN (proc(5), /proc/net/tcp).
    static func listening(_ port: Int) throws(Problem) -> GuestPoll {
        try check(port: port)
        return GuestPoll(
            check: """
                _va=n _vp= _vk=\\?
                for _vx in /proc/net/tcp /proc/net/tcp6; do
                [ -r $_vx ] || continue
                _vk=
                while read -r _ _vx _ _vy _; do
                case $_vy in 0A)
                _vx=$((0x${_vx##*:}))
                case $_vx in \(port)) _va=y ;; esac
                case "$_vp " in *" $_vx "*) ;; *) _vp="$_vp $_vx" ;; esac ;;
                esac
                done <$_vx
                done
                case $_va$_vk in
                y*) _vo="port \(port) is open" ;;
                n) _vo="nothing listens on TCP port \(port), only on:${_vp:- none}" ;;
                *) _va=\\? _vo='/proc/net/tcp cannot be read' ;;
                esac
                """)
    }

    /// Whether a path exists; else how far it does.
    static func file(_ path: String) -> GuestPoll {
        GuestPoll(
            setup: "_vpath=\(ShellQuoting.quote(path))",
            check: """
                _va=y _vo='it exists'
                if ! [ -e "$_vpath" ] && ! [ -L "$_vpath" ]; then
                _va=n _vx=$_vpath
                while case $_vx in ?*/*) : ;; *) false ;; esac do
                _vx=${_vx%/*}
                [ -e "$_vx" ] && break
                done
                [ -e "$_vx" ] || _vx=/
                _vo="it does not exist; there is $_vx"
                fi
                """)
    }

    static func check(port: Int) throws(Problem) {
        guard (1...65535).contains(port) else { throw Problem(.invalidInput, "\(port) is no TCP port", why: "ports go from 1 to 65535") }
    }
}
