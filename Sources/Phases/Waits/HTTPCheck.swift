import FoundationEssentials
import GuestShell
import LabEvents
import VMLab

/// One request to a URL from the guest. Plain HTTP needs bash alone, which speaks HTTP/1.0 (RFC 1945) well enough; TLS needs curl.
struct HTTPCheck: Sendable {
    private let url: String
    private let isSecure: Bool
    private let host: String
    private let port: Int
    private let path: String
    private let status: Int?
    private let body: String?

    /// - Throws: a ``Problem`` of kind `invalidInput` for a URL that is none.
    init(_ url: String, status: Int?, body: String?) throws(Problem) {
        (self.url, self.status, self.body) = (url, status, body)
        let wrong = Problem(
            .invalidInput, "'\(url)' is no URL that can be waited for", why: "http://HOST[:PORT]/PATH or https://… is needed")
        guard let scheme = ["http://", "https://"].first(where: url.lowercased().hasPrefix),
            url.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { throw wrong }
        isSecure = scheme == "https://"
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        let target = rest.dropFirst(authority.count).prefix { $0 != "#" }
        path = (target.hasPrefix("/") ? "" : "/") + target
        var name = authority
        var number = isSecure ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let given = Int(authority[authority.index(after: colon)...]) else { throw wrong }
            (name, number) = (authority[..<colon], given)
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        (host, port) = (String(name), number)
        try GuestPoll.check(host: host, port: port)
    }

    /// The check for the guest.
    ///
    /// - Parameter limit: for each step of the exchange.
    func poll(limit: Duration) -> GuestPoll {
        let seconds = GuestPoll.seconds(limit)
        return GuestPoll(
            setup: """
                _vhost=\(ShellQuoting.quote(host)) _vurl=\(ShellQuoting.quote(url)) _vpath=\(ShellQuoting.quote(path))
                _vwant=\(ShellQuoting.quote(body ?? "")) _vcode=\(status.map(String.init) ?? "")
                \(judge)
                \(request(seconds))
                \(GuestPoll.child)
                \(programs(seconds))
                """,
            check: isSecure ? "_vprogram" : "case ${BASH_VERSION-} in ?*) _vchild \(3 * seconds) ;; *) _vprogram ;; esac")
    }

    /// Judges status `$1` and body `$2`.
    private let judge = #"""
        _vn10='
        '
        _vjudge() {
        _va=y _vo="status $1"
        case $_vcode in ''|"$1") ;; *) _va=n _vo="status $1, wanted $_vcode" ;; esac
        case $2 in *"$_vwant"*) ;; *) _va=n; _vo="$_vo, and the body lacks '$_vwant'" ;; esac
        case $_va$2 in n?*) _vx=${2%%"$_vn10"*}; _vo="$_vo; it begins: $(printf '%.120s' "$_vx")" ;; esac; }
        """#

    /// The exchange, in the child of ``GuestPoll/child``.
    private func request(_ seconds: Int) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        let authority = port == 80 ? name : "\(name):\(port)"
        return #"""
            _vtry() {
            command exec 3<>/dev/tcp/$_vhost/\#(port) || return 1
            printf 'GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: vmlab\r\nAccept: */*\r\nConnection: close\r\n\r\n' "$_vpath" \#(ShellQuoting.quote(authority)) >&3
            IFS= read -rt \#(seconds) _vx <&3 || { _vo='connected, and no answer to the request'; return; }
            case $_vx in HTTP/*' '[1-5][0-9][0-9]*) ;; *) _vo="connected, and the answer is not HTTP"; return ;; esac
            _vx=${_vx#* }; _vx=${_vx%%[!0-9]*}
            _vbody=
            if [ "$_vcode" != "$_vx" ] || [ -n "$_vwant" ]; then
            while IFS= read -rt \#(seconds) _vy <&3; do case $_vy in ''|$'\r') break ;; esac; done
            IFS= read -rd '' -t \#(seconds) -N 1048576 _vbody <&3
            fi
            _vjudge $_vx "$_vbody"; }
            """#
    }

    /// The same by a program: curl, or without TLS busybox's wget.
    private func programs(_ seconds: Int) -> String {
        #"""
        _vprogram() {
        if command -v curl >/dev/null; then
        _vx=$(curl -k -sS -m \#(3 * seconds) --connect-timeout \#(seconds) -w '\n=%{http_code}' "$_vurl" 2>&1)
        _vr=$?
        case $_vr in
        0) _vy=${_vx##*=}; _vx=${_vx%=*}; _vjudge "$_vy" "${_vx%?}" ;;
        *) _va=n _vx=${_vx%%"$_vn10"*}; _vo="${_vx#curl: }" ;;
        esac
        elif [ \#(isSecure ? "yes" : "no") = yes ]; then
        _va=\? _vf=F _vo='https needs curl in the guest'
        elif _vx=$(wget -q -T \#(seconds) -O - "$_vurl" 2>&1); then _vjudge 200 "$_vx"
        else
        case $_vx in
        *HTTP/*' '[1-5][0-9][0-9]*) _vx=${_vx##*HTTP/}; _vx=${_vx#* }; _vjudge "${_vx%%[!0-9]*}" '' ;;
        *found*) _va=\? _vf=F _vo='http needs bash, curl or wget in the guest' ;;
        *) _va=n _vo=${_vx##*: } ;;
        esac
        fi; }
        """#
    }
}
