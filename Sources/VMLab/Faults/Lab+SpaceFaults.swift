import GuestShell
import LabEvents

extension Lab {
    /// Memory is taken by files in a tmpfs, which the kernel cannot give back. Unlike a balloon it needs no device and no driver, and goes with a reboot;
    /// and as the files are only reserved (fallocate), the host gives no memory for them.
    func fillMemory(_ node: Node, _ left: Int) throws(Problem) -> FaultWork {
        guard (8..<node.plan.memoryMiB).contains(left) else {
            throw Problem(
                .invalidInput, "\(node.name) cannot have \(left) MiB of memory left", why: "8 to \(node.plan.memoryMiB - 1) MiB can be")
        }
        let folder = "/run/vmlab/memory"
        let available = "va() { while read -r vk vv _; do [ $vk = MemAvailable: ] && echo $vv && return; done </proc/meminfo; }\n"
        return work(
            node,
            GuestFault(
                trace: .memory,
                inject: {
                    // Each piece takes most of what is too much, as tables for it need memory too.
                    try await node.run(
                        available + """
                            mkdir -p \(folder) || exit
                            case "$(cat /proc/mounts)" in *" \(folder) "*) ;; *) mount -t tmpfs -o size=100%,mode=700 tmpfs \(folder) || exit ;; esac
                            vn=0
                            while vm=$(($(va) - \(left * 1024))) && [ $vm -gt 1024 ] && [ $vn -lt 40 ]; do
                            vs=$((vm * 9 / 10)); [ $vs -ge 1024 ] || vs=1024
                            fallocate -l $((vs * 1024)) \(folder)/$vn-$$ || break
                            vn=$((vn + 1))
                            done
                            """)
                },
                observe: {
                    let found = (Int(try await node.run(available + "va").stdout.trimmed) ?? .max) / 1024
                    guard found < left + max(8, left / 4) else {
                        throw Problem(.failure, "\(node.name) still has \(found) MiB of memory", why: "\(left) MiB should be left")
                    }
                    return "\(node.name): \(found) MiB of memory available"
                },
                mend: {
                    let seen = try await node.run(
                        available + """
                            case "$(cat /proc/mounts)" in *" \(folder) "*) rm -rf \(folder)/* && umount \(folder) || exit ;; esac
                            va
                            """
                    ).stdout.trimmed
                    return "\(node.name): \((Int(seen) ?? 0) / 1024) MiB of memory available"
                }))
    }

    func fillDisk(_ node: Node, _ folder: String, _ left: Int) throws(Problem) -> FaultWork {
        guard folder.hasPrefix("/"), !folder.contains("\n"), left >= 0 else {
            throw Problem(
                .invalidInput, "\(folder) cannot be filled but for \(left) bytes", why: "an absolute path, and 0 bytes or more are needed")
        }
        // Found again by whoever takes the lab over.
        let (place, file) = (ShellQuoting.quote(folder), ShellQuoting.quote((folder == "/" ? "" : folder) + "/.vmlab-disk-full"))
        let free = "vf() { set -- $(stat -f -c '%f %S' \(place)); echo $(($1 * $2)); }\n"
        return work(
            node,
            GuestFault(
                trace: .disk,
                inject: {
                    // Reserved and not written: the host's disk gives nothing for it. What is to be left is reserved first and given back at the end, as no
                    // file system says how much of what is free it would really give.
                    try await node.run(
                        free + """
                            [ -e \(file).0 ] && exit 0
                            vs=$(vf) vn=0
                            [ $vs -gt 0 ] || { echo "the file system of "\(place)" has no size" >&2; exit 1; }
                            \(left == 0 ? "" : "fallocate -l \(left) \(file).left || exit 1")
                            while [ $vs -ge 4096 ] && [ $vn -lt 200 ]; do
                            fallocate -l $vs \(file).$vn 2>/dev/null || vs=$((vs / 2))
                            vn=$((vn + 1))
                            done
                            cat /dev/zero >\(file) 2>/dev/null; sync
                            rm -f \(file).left
                            """, timeout: Budget.boot.scaled(by: self.pace))
                },
                observe: {
                    let more = left + 1 << 20
                    let result = try await node.execute(
                        "fallocate -l \(more) \(file).probe; vx=$?; rm -f \(file).probe; exit $vx",
                        timeout: Budget.command.scaled(by: self.pace))
                    guard !result.succeeded else {
                        throw Problem(.failure, "\(folder) on \(node.name) is not full", why: "\(more) bytes more find their place")
                    }
                    return "\(node.name): \(result.stderr.trimmed)"
                },
                mend: {
                    let seen = try await node.run(
                        free + "rm -f \(file) \(file).* && sync \(place) && vf", timeout: Budget.boot.scaled(by: self.pace))
                    guard try await !node.execute("ls \(file)*").succeeded else {
                        throw Problem(.failure, "\(folder) on \(node.name) is still full", location: folder)
                    }
                    return "\(node.name): \(seen.stdout.trimmed) bytes are free on \(folder)"
                }))
    }
}
