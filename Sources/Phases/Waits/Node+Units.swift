import GuestShell
import LabEvents
public import VMLab

extension Node {
    /// Properties of a systemd unit, as `systemctl show` gives them.
    ///
    /// - Parameter names: which; all when empty.
    /// - Throws: a ``Problem`` with systemctl's own words when it cannot be asked. A unit that does not exist has `LoadState=not-found`.
    public func unitProperties(_ unit: String, _ names: [String] = [], file: String = #fileID, line: Int = #line) async throws -> [String:
        String]
    {
        let chosen = names.map { "-p \(ShellQuoting.quote($0)) " }.joined()
        let result = try await succeed("systemctl show \(chosen)-- \(ShellQuoting.quote(unit))", file: file, line: line)
        return Self.properties(result.stdout.text)
    }

    /// The lines `KEY=VALUE` of a text.
    static func properties(_ text: String) -> [String: String] {
        text.split(separator: "\n").reduce(into: [:]) { properties, line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { properties[String(parts[0])] = String(parts[1]) }
        }
    }

    func unitCondition(_ unit: String) -> Condition {
        var condition = polling("unit \(unit) is active") { _ in .unit(unit) }
        condition.evidence = { await self.lastWords(of: unit) }
        return condition
    }

    /// The last lines of a unit's own log in this boot.
    private func lastWords(of unit: String) async -> String? {
        guard state == .ready else { return nil }
        let request = CommandRequest(
            "journalctl -b -u \(ShellQuoting.quote(unit)) -n 20 -o cat --no-pager 2>&1", timeout: .seconds(10) * max(1, pace),
            captureLimit: 8192)
        guard let words = try? await machine().shell.execute(request).stdout.trimmed, !words.isEmpty else { return nil }
        return "the unit's log ends:\n" + words.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
    }
}

extension GuestPoll {
    /// Whether a unit is active; final when it can no longer be: it failed and nothing will start it again, it does not exist, or it is masked.
    static func unit(_ unit: String) -> GuestPoll {
        GuestPoll(
            setup: """
                _vunit=\(ShellQuoting.quote(unit))
                _vnl='
                '
                """,
            check: #"""
                _vx=$(systemctl show -p LoadState -p ActiveState -p SubState -p Result -p NRestarts -p Job -- "$_vunit" 2>&1)
                _vr=$? _vload= _vact= _vsub= _vres= _vnre= _vjob=
                _vx=$_vx$_vnl
                while [ -n "$_vx" ]; do
                _vy=${_vx%%"$_vnl"*} _vx=${_vx#*"$_vnl"}
                case $_vy in
                LoadState=*) _vload=${_vy#*=} ;;
                ActiveState=*) _vact=${_vy#*=} ;;
                SubState=*) _vsub=${_vy#*=} ;;
                Result=*) _vres=${_vy#*=} ;;
                NRestarts=*) _vnre=${_vy#*=} ;;
                Job=*) _vjob=${_vy#*=} ;;
                *) _vo=${_vo:-$_vy} ;;
                esac
                done
                if [ $_vr != 0 ] || [ -z "$_vact" ]; then
                _va=\? _vo=${_vo##*: }
                command -v systemctl >/dev/null || { _vf=F _vo='the guest has no systemctl'; }
                else
                _va=n _vo="$_vact ($_vsub)"
                case $_vres in ''|success) ;; *) _vo="$_vo, result $_vres" ;; esac
                case $_vnre in ''|0) ;; *) _vo="$_vo, $_vnre restarts" ;; esac
                case $_vjob in ''|0) ;; *) _vo="$_vo, a job is queued" ;; esac
                case $_vload in not-found|masked|bad-setting|error) _vo="it is $_vload: $_vo" _vf=F ;; esac
                case $_vact/$_vjob in
                active/*) _va=y _vf= ;;
                failed/|failed/0) _vf=F ;;
                esac
                fi
                """#)
    }
}
