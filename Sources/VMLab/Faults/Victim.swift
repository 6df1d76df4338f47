import GuestShell
import LabEvents

/// The commands that find a process of a guest, kill it, stop it and let it go on.
struct Victim: Sendable {
    let name: String

    /// - Parameter name: of a unit with its ending, or of a process.
    /// - Throws: a ``Problem`` of kind `invalidInput` for what no process can be called.
    init(_ name: String) throws(Problem) {
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 32 && $0 != UInt8(ascii: "/") }) else {
            throw Problem(.invalidInput, "'\(name)' is no process", remedy: "a unit such as etcd.service, or a name such as etcd")
        }
        self.name = name
    }

    private var isUnit: Bool { name.hasSuffix(".service") }
    private var quoted: String { ShellQuoting.quote(name) }
    private var file: String { ShellQuoting.quote("/run/vmlab/active-\(name)") }

    /// Prints its process ids.
    var find: String {
        if isUnit { return "vp=$(systemctl show -p MainPID --value \(quoted)) && [ ${vp:-0} -gt 1 ] && echo $vp" }
        // With builtins alone: a process costs 40 ms without KVM. The kernel keeps 15 bytes of a name.
        let short = ShellQuoting.quote(String(decoding: name.utf8.prefix(15), as: UTF8.self))
        return """
            for vf in /proc/[0-9]*/comm; do
            read -r vc 2>/dev/null <$vf && [ "$vc" = \(short) ] && vf=${vf%/comm} && echo ${vf#/proc/}
            done; :
            """
    }

    /// Kills it, and prints the ids of those that are gone.
    var kill: String {
        """
        for vp in $(\(find)); do
        kill -KILL $vp 2>/dev/null || continue
        while read -r vs 2>/dev/null </proc/$vp/stat; do case ${vs##*) } in [ZX]*) break ;; esac; sleep 0.05; done
        echo $vp
        done
        """
    }

    /// Sends it a signal, which need not exist any more.
    func signal(_ signal: String) -> String { "for vp in $(\(find)); do kill -\(signal) $vp 2>/dev/null; done; :" }

    /// Prints its state as the kernel has it, a letter for each process; `T` stands still.
    var states: String {
        "for vp in $(\(find)); do read -r vs 2>/dev/null </proc/$vp/stat || continue; vs=${vs##*) }; echo ${vs%% *}; done; :"
    }

    /// Remembers in the guest whether a service runs.
    var note: String {
        guard isUnit else { return ":" }
        return "mkdir -p /run/vmlab && if systemctl is-active -q \(quoted); then : >\(file); fi"
    }

    /// Starts a service that ran, even if it was killed too often for systemd; says `active` then.
    var restart: String {
        guard isUnit else { return ":" }
        return
            "if [ -e \(file) ]; then rm -f \(file); systemctl reset-failed \(quoted) 2>/dev/null; systemctl start --no-block \(quoted) && echo active; fi"
    }
}
