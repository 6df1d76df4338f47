/// The guest's side: plain POSIX shell, tested with bash, dash and busybox ash. Nothing is written to the guest's disk; the texts travel over the consoles
/// and ports and live in the shells' memory.
enum GuestScripts {
    /// Typed into the bootstrap console: finds the control port and leaves a control shell on it. One line, since a console that loses a character of
    /// several may wait for the rest of them for ever.
    ///
    /// A child started with `&` would ignore SIGINT and SIGQUIT for good (POSIX XCU 2.11) and hand that to every command. So the shell in the middle is
    /// killed by its own child instead, and init adopts the child.
    ///
    /// - Parameter answer: printed at the end as `<answer>:ok`, or with a reason instead of `ok`. It is sent in two halves so that an echo is no answer.
    static func bootstrap(answer: Mark) -> String {
        let half = answer.text.prefix(Mark.length / 2)
        let rest = answer.text.dropFirst(Mark.length / 2)
        let script =
            #"modprobe virtio_console; vp=; for vd in /sys/class/virtio-ports/*; do vn=; read -r vn <$vd/name; "#
            + #"[ "$vn" = \#(PortNames.control) ] && vp=/dev/${vd##*/}; done; vr=no-port-\#(PortNames.control); "#
            + #"if [ -n "$vp" ]; then vr=port-busy; command exec 5<>$vp && vr=ok && "#
            + #"( sh -c "kill -9 \$PPID; exec setsid sh <&5 >&5 5>&- 2>/dev/null"; : ); fi; vm=\#(half); echo "$vm"\#(rest):$vr"#
        return "sh -c \(ShellQuoting.quote(script)) 2>/dev/null\n"
    }

    /// Ends a quotation in which a shell waits because a part of a script was lost; for a shell that waits for a command these are comments. Asking again
    /// alone never ends it: a script has as many quotes that begin as quotes that end.
    static let endOfQuotation = "\n #'\n #\"\n"

    /// The same for the guest agent, which runs one command and takes its output.
    static func agentBootstrap() -> String {
        #"""
        modprobe virtio_console 2>/dev/null
        \#(findPort)
        vfind \#(PortNames.control) || { echo no-port-\#(PortNames.control); exit 1; }
        command exec 5<>$vdev || { echo port-busy; exit 1; }
        ( sh -c 'kill -9 $PPID; exec setsid sh <&5 >&5 3>&- 5>&- 2>/dev/null'; : ) 2>/dev/null
        echo ok
        """#
    }

    /// `vfind NAME` sets `vdev` to the device of the port; without udev there is no /dev/virtio-ports, but sysfs always has the name.
    private static let findPort = #"""
        vfind() {
        for vd in /sys/class/virtio-ports/*; do
        vn=; read -r vn <$vd/name
        if [ "$vn" = "$1" ]; then vdev=/dev/${vd##*/}; return 0; fi
        done
        return 1; }
        """#

    /// Definitions for the control shell, which reads its standard input as a script.
    static let control = #"""
        \#(findPort)
        case $PATH in ?*) ;; *) PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH ;; esac
        case ${HOME-} in ?*) ;; *) HOME=/root; export HOME ;; esac
        cd /
        vproc() {
        IFS= read -r vst </proc/$1/stat || return 1
        set -- ${vst##*) }
        vpp=$2 vpg=$3 vse=$4 vts=${20}; }
        vkill() {
        vc=
        for vd in /proc/[0-9]*; do vd=${vd##*/}; vproc $vd && [ "$vpp" = "$1" ] && vc=$vd vcg=$vpg vct=$vts; done
        [ -n "$vc" ] || return 0
        eval "vg_$1=$vcg vt_$1=$vct"
        vgroup $1 $2; }
        vsweep() { vgroup $1 KILL; unset vg_$1 vt_$1; }
        vgroup() {
        eval "vcg=\${vg_$1-} vct=\${vt_$1-}"
        [ -n "$vcg" ] || return 0
        if [ "$vcg" != "$1" ]; then kill -$2 -$vcg; return 0; fi
        for vd in /proc/[0-9]*; do vd=${vd##*/}; vproc $vd && [ "$vpg" = "$1" ] && [ "$vd" != "$1" ] && [ "$vts" -ge "$vct" ] && kill -$2 $vd; done
        return 0; }
        vreap() {
        [ "$2" = all ] && vproc $1 && kill -KILL $vpp
        for vd in /proc/[0-9]*; do vd=${vd##*/}; vproc $vd && [ "$vse" = "$1" ] || continue
        case $2 in groups) [ "$vd" = "$vpg" ] && kill -KILL -$vpg ;; *) kill -KILL $vd ;; esac; done
        return 0; }
        vports() { for vd in /sys/class/virtio-ports/*; do vn=; read -r vn <$vd/name; case $vn in vmlab.*) printf 'port %s %s\n' "$vn" "/dev/${vd##*/}" ;; esac; done; }
        vstart() { ( sh -c 'kill -9 $PPID; exec setsid sh -c "$0" vmlab "$@"' "$vsup" "$@"; : ) <&9 >/dev/null; }
        vsup='\#(supervisor)'
        exec 9</dev/null

        """#

    /// Keeps one worker alive on its port and reports each death. `$1` device, `$2` shell, `$3` epoch, `$4` loader.
    private static let supervisor = #"""
        exec <>"$1" >&0 2>/dev/null || exit
        while :; do setsid "$2" -c "$4" vmlab-worker "$3"; r=$?
        [ "$r" = 77 ] && exit; printf "died %s %s\n" "$3" "$r"; done
        """#

    /// What a worker starts as: waits for its epoch, so that words left over from an earlier one are ignored, then for its program. `$1` epoch.
    static let loader =
        #"l=; n=$(printf "\nx"); n=${n%x}; until [ "$l" = "load $1" ]; do IFS= read -r l || exit 77; done; s=; while IFS= read -r l && [ "$l" != "run $1" ]; do s=$s$l$n; done; eval "$s""#

    /// The worker: one command at a time, from its standard input.
    ///
    /// A request is `LINES [IN MARK]`, that many lines of script, and `end MARK NEXT`, the closing mark and the next frame's opening mark, which stay
    /// unread in the port until the command has ended. The word `op` announces an order instead: `open EPOCH OUT ERR MARK` or `close EPOCH` on the next line.
    ///
    /// The subshell that runs a command is forked before the command comes, and reads it itself: a fork is the dearest step under TCG, and so it is over
    /// when somebody waits. (A signal meant for the last command may hit it before it has anything to run; then the line behind it is no `end`, and the
    /// next subshell takes that request over.) For the same reason the output ports are closed and opened again behind each command, not before it. That they can be opened
    /// again proves that no background child holds them, because a port opens once; so nothing such a child writes can come into another command's
    /// frame. When they cannot (`busy`), the worker ignores everything until it is given other ports.
    static let worker = #"""
        exec 8</dev/null
        trap '_vx=e' USR1
        trap '_vu=1' USR2
        case ${BASH_VERSION-} in ?*) set -m ;; esac
        _vw=$1 _vo= _vi=
        _vn='
        '
        vopen() {
        if command exec 5>"$_vo" && command exec 6>"$_ve"; then
        printf %s "$_vb" >&5; printf %s "$_vb" >&6
        else
        exec 5>&- 6>&-
        _vo=
        printf 'busy output %s\n' "$_vb"
        fi; }
        printf 'ready %s %s\n' "$1" "$$"
        set --
        while :; do
        if [ -z "$_vo" ]; then
        read -r _vk _vp _vo _ve _vb || exit 77
        if [ "$_vk $_vp" = "open $_vw" ]; then vopen; else _vo=; fi
        continue
        fi
        _vx=s _vu=
        ( [ -n "$_vi" ] || read -r _vi _vz _vb && [ "$_vi" != op ] || { kill -USR2 $$; exit 99; }
        while [ "$_vi" -gt 0 ]; do IFS= read -r _vl; _vs=$_vs$_vl$_vn; _vi=$((_vi - 1)); done
        if [ -n "$_vz" ]; then
        command exec 7<"$_vz" || { printf 'busy input -\n'; exit 126; }
        until IFS= read -r _vl <&7 && [ "$_vl" = "$_vb" ]; do :; done
        exec <&7 7<&-
        else
        exec <&8
        fi
        exec >&5 2>&6 5>&- 6>&- 8<&-
        trap 'case $? in 129|1[3-9]?|2??) kill -USR1 $$ ;; esac' 0
        eval "$_vs" )
        _vr=$?
        if [ $_vr$_vu = 991 ]; then
        _vi=
        exec 5>&- 6>&-
        read -r _vk _vp _vo _ve _vb || exit 77
        case "$_vk $_vp" in
        "open $_vw") vopen ;;
        "close $_vw") _vo=; printf 'closed\n' ;;
        *) _vo= ;;
        esac
        continue
        fi
        read -r _vi _vz _vb || exit 77
        [ "$_vi" = end ] || continue
        _vi=
        [ $_vr -gt 128 ] || _vx=e
        printf '%s%s%03d' "$_vz" $_vx $_vr >&5
        printf '%s%s%03d' "$_vz" $_vx $_vr >&6
        exec 5>&- 6>&-
        vopen
        done
        """# + "\n"
}
