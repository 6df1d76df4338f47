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

    /// The worker: one command at a time, from its standard input. A request is
    /// `LINES [OUT ERR [IN]]`, then that many lines of script, the opening mark where ports are named, and the closing mark, which stays unread in the
    /// port until the command has ended. Every byte of it costs a system call, so a request that goes to the ports still open names none.
    ///
    /// The worker opens the two output ports for a command and closes them after it, because a port opens once: a background child that still holds one
    /// makes the next opening fail (`busy`), so nothing it writes can come into another command's frame. Opening and closing cost a millisecond, so they
    /// are skipped when the command demonstrably left nobody behind: the kernel's last process number (the last field of /proc/loadavg) moved by the
    /// command's own subshell and no more.
    static let worker = #"""
        exec 8</dev/null
        trap '_vx=e' USR1
        case ${BASH_VERSION-} in ?*) set -m ;; esac
        _vc=
        _vn='
        '
        printf 'ready %s %s\n' "$1" "$$"
        set --
        while read -r _vi _vo _ve _vz; do
        if [ "$_vi" = close ]; then
        exec 5>&- 6>&-
        _vc=
        printf 'closed\n'
        continue
        fi
        _vs=
        while [ "$_vi" -gt 0 ]; do IFS= read -r _vl; _vs=$_vs$_vl$_vn; _vi=$((_vi - 1)); done
        _v0=8
        case $_vo in ?*)
        read -r _vb
        if [ "$_vc" != "$_vo" ]; then
        [ -n "$_vc" ] && exec 5>&- 6>&-
        _vc=
        if command exec 5>"$_vo" && command exec 6>"$_ve"; then
        _vc=$_vo
        printf %s "$_vb" >&5; printf %s "$_vb" >&6
        else
        exec 5>&- 6>&-
        read -r _vb
        printf 'busy output\n'
        continue
        fi
        fi
        case $_vz in ?*)
        if command exec 7<"$_vz"; then
        _v0=7
        until IFS= read -r _vl <&7 && [ "$_vl" = "$_vb" ]; do :; done
        else
        read -r _vb
        exec 5>&- 6>&-
        _vc=
        printf 'busy input\n'
        continue
        fi ;;
        esac ;;
        esac
        _vx=s _vp=-9 _vq=-9
        read -r _vl _vl _vl _vl _vp </proc/loadavg
        ( trap 'case $? in 129|1[3-9]?|2??) kill -USR1 $$ ;; esac' 0
        eval "$_vs" ) <&$_v0 >&5 2>&6 5>&- 6>&- 7<&- 8<&-
        _vr=$?
        read -r _vl _vl _vl _vl _vq </proc/loadavg
        read -r _vb
        [ $_vr -gt 128 ] || _vx=e
        if [ $_v0$_vq = 8$((_vp + 1)) ]; then
        printf '%sk%s%03d' "$_vb" $_vx $_vr >&5
        printf '%sk%s%03d' "$_vb" $_vx $_vr >&6
        else
        exec 7<&-
        printf '%sc%s%03d' "$_vb" $_vx $_vr >&5
        printf '%sc%s%03d' "$_vb" $_vx $_vr >&6
        exec 5>&- 6>&-
        _vc=
        fi
        done
        exit 77
        """# + "\n"
}
