import GuestShell
import LabEvents
import Synchronization

extension Lab {
    func killProcess(_ node: Node, _ target: String, _ every: Double?) throws(Problem) -> FaultWork {
        let victim = try Victim(target)
        if let every, !(0.1...86400).contains(every) {
            throw Problem(.invalidInput, "a process cannot be killed every \(every) s", why: "0.1 to 86400 s fit")
        }
        let killed = Mutex(0)
        let hunt: @Sendable () async throws -> Void = {
            let killedNow = try await node.run(victim.kill).stdout.trimmed.split(separator: "\n")
            let count = killedNow.count
            killed.withLock { $0 += count }
        }
        var again: (@Sendable () async throws -> Void)?
        if let every {
            again = {
                while true {
                    try await Task.sleep(for: .seconds(every))
                    if node.state == .ready { try? await hunt() }
                }
            }
        }
        return work(
            node,
            GuestFault(
                trace: .memory,
                inject: {
                    try await node.run(victim.note)
                    try await hunt()
                },
                course: again,
                observe: {
                    let count = killed.withLock { $0 }
                    guard count > 0 else {
                        throw Problem(
                            .failure, "\(node.name): no process of \(target) runs",
                            remedy: "`vmlab execute RUN \(node.name) -- ps` shows what does")
                    }
                    return "\(node.name): \(target) was killed"

                },
                mend: {
                    let count = killed.withLock { $0 }
                    let words = "\(node.name): \(target) was killed \(count) times"
                    guard try await node.run(victim.restart).stdout.trimmed == "active" else {
                        let runs = try await node.execute(victim.find).stdout.trimmed
                        return "\(words); " + (runs.isEmpty ? "it does not run, and nothing of ours started it" : "it runs")
                    }
                    try await node.waitForService(target)
                    return "\(words); it is active"
                }))
    }

    func failUnit(_ node: Node, _ unit: String) throws(Problem) -> FaultWork {
        guard unit.hasSuffix(".service"), unit.utf8.allSatisfy({ $0 > 32 && $0 != UInt8(ascii: "/") }) else {
            throw Problem(.invalidInput, "'\(unit)' is no service", remedy: "name it with its ending, such as etcd.service")
        }
        let dropIn = DropIn(unit: unit)
        return work(
            node,
            GuestFault(
                trace: .disk,
                inject: { try await node.run(dropIn.add, timeout: Budget.boot.scaled(by: self.pace)) },
                observe: {
                    let last = LastSeen()
                    try await node.poll(.command, waitingFor: "\(node.name): \(unit) fails", observed: { last.text }) {
                        let seen = try await node.run(dropIn.show).stdout.trimmed.split(separator: "\n").joined(separator: " ")
                        last.text = seen
                        return seen.contains("ActiveState=failed") || seen.contains("SubState=auto-restart")
                            || !seen.contains("Result=success")
                    }
                    return "\(node.name): \(unit): \(last.text ?? "")"
                },
                mend: {
                    let was = try await node.run(dropIn.remove, timeout: Budget.boot.scaled(by: self.pace)).stdout.trimmed
                    guard try await !node.run(dropIn.show).stdout.text.contains(DropIn.name) else {
                        throw Problem(.failure, "\(node.name): \(unit) still has what makes it fail", location: DropIn.name)
                    }
                    guard ["active", "activating", "reloading"].contains(was) else { return "\(node.name): \(unit) may start again" }
                    try await node.waitForService(unit)
                    return "\(node.name): \(unit) is active again"
                }))
    }
}

extension Node {
    /// Waits until a service runs.
    fileprivate func waitForService(_ unit: String) async throws {
        let last = LastSeen()
        let name = ShellQuoting.quote(unit)
        try await poll(.boot, waitingFor: "\(self.name): \(unit) is active", observed: { last.text }) {
            last.text = try await self.execute("systemctl is-active \(name)").stdout.trimmed
            return last.text == "active"
        }
    }
}

/// What makes a service fail: an addition to its unit, which says how the service was before.
private struct DropIn: Sendable {
    static let name = "zz-vmlab-start-failure.conf"
    let unit: String

    private var quoted: String { ShellQuoting.quote(unit) }
    private func folder(_ root: String) -> String { ShellQuoting.quote("\(root)/systemd/system/\(unit).d") }

    var show: String { "systemctl show -p ActiveState,SubState,Result,NRestarts,DropInPaths \(quoted)" }

    /// /etc is not writable everywhere; what is in /run is gone with the next boot. Synced, as a power cut may come next.
    var add: String {
        """
        [ "$(systemctl show -p LoadState --value \(quoted))" = loaded ] || { echo "there is no unit" \(quoted) >&2; exit 1; }
        for vd in \(folder("/etc")) \(folder("/run")); do [ -e "$vd/\(Self.name)" ] && exit 0; done
        vd=\(folder("/etc"))
        mkdir -p "$vd" 2>/dev/null && [ -w "$vd" ] || { vd=\(folder("/run")); mkdir -p "$vd" || exit 1; }
        cat >"$vd/\(Self.name)" <<VMLAB-END
        # was $(systemctl is-active \(quoted))
        [Service]
        ExecStartPre=
        ExecStart=
        ExecStart=/bin/sh -c "echo this start is made to fail >&2; exit 1"
        VMLAB-END
        sync
        systemctl daemon-reload || exit 1
        systemctl stop \(quoted)
        systemctl reset-failed \(quoted) 2>/dev/null
        systemctl start --no-block \(quoted)
        """
    }

    /// Prints how the service was before.
    var remove: String {
        """
        vw=
        for vd in \(folder("/etc")) \(folder("/run")); do
        [ -e "$vd/\(Self.name)" ] || continue
        read -r _ _ vw <"$vd/\(Self.name)"
        rm -f "$vd/\(Self.name)"; rmdir "$vd" 2>/dev/null
        sync
        done
        systemctl daemon-reload || exit 1
        systemctl reset-failed \(quoted) 2>/dev/null
        case $vw in
        active | activating | reloading) systemctl start --no-block \(quoted) || exit 1 ;;
        ?*) systemctl stop \(quoted) ;;
        esac
        echo "$vw"
        """
    }
}
