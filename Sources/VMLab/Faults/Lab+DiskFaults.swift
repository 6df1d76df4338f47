import GuestShell
import LabEvents
import QEMU

extension Lab {
    func breakDisk(_ node: Node, _ errors: DiskErrors) throws(Problem) -> FaultWork {
        try requireDisk(node)
        let disk = GuestDisk()
        return FaultWork(
            inject: {
                if node.state == .ready {
                    // What it needs must be in memory before it cannot be read any more.
                    try await node.run(disk.noteWritable)
                    for request in disk.requests(errors) { try await node.run(request) }
                }
                try await node.setDiskErrors(0, errors)
            },
            observe: {
                guard try await node.machine().guest.failsRequests(0) else {
                    throw Problem(.failure, "\(node.name): QEMU did not put errors before the disk")
                }
                guard node.state == .ready else { return "\(node.name): QEMU answers the disk's requests with errors" }
                var seen: [String] = []
                for request in disk.requests(errors) {
                    let result = try await node.execute(request, timeout: Budget.command.scaled(by: self.pace))
                    guard !result.succeeded else { throw Problem(.failure, "\(node.name): a request to \(disk.path) succeeds") }
                    let words = result.stderr.trimmed.split(separator: "\n").map(String.init)
                    seen.append(words.first { $0.contains("error") } ?? "\(result.outcome)")
                }
                return "\(node.name): \(seen.joined(separator: "; "))"
            },
            heal: { try await node.setDiskErrors(0, nil) },
            confirm: {
                guard node.canObey else { return "\(node.name) is \(node.state.rawValue), its disk whole" }
                guard try await !node.machine().guest.failsRequests(0) else {
                    throw Problem(.failure, "\(node.name): QEMU still has errors before the disk")
                }
                return try await self.recover(node, disk)
            })
    }

    /// Starts a node anew when a file system of its took the errors so badly that it takes no more writes.
    private func recover(_ node: Node, _ disk: GuestDisk) async throws -> String {
        // A guest that cannot read its programs may not even say so.
        let works = try? await node.execute(disk.tryWritable, timeout: .seconds(20) * max(1, pace))
        if let works, works.succeeded { return "\(node.name): \(disk.path) is read and written, its file systems take writes" }
        let why = works.map { $0.stdout.trimmed }.flatMap { $0.isEmpty ? nil : $0 } ?? "its programs cannot be run"
        try await node.powerCut()
        try await startAgain(node)
        try await node.run(disk.requests(.all).joined(separator: " && "))
        let network = node.network == nil ? "" : ", \(try await restoreNetwork(node))"
        return "\(node.name): \(why), so it was started anew: boot \(node.boot)\(network)"
    }

    func slowDisk(_ node: Node, _ limit: DiskLimit) throws(Problem) -> FaultWork {
        try requireDisk(node)
        guard limit.bytesPerSecond == 0 || limit.bytesPerSecond >= 1 << 14, limit.operationsPerSecond >= 0, limit != DiskLimit() else {
            throw Problem(
                .invalidInput, "a disk that does \(limit.bytesPerSecond) bytes and \(limit.operationsPerSecond) requests a second is none",
                why: "at least 16384 bytes, or 1 request", remedy: "say one of them, or both")
        }
        let disk = GuestDisk()
        return FaultWork(
            inject: { try await node.setDiskLimit(0, limit) },
            observe: {
                guard node.canObey else { return "\(node.name) is \(node.state.rawValue)" }
                let found = try await node.machine().guest.diskLimit(0)
                guard found == limit else { throw Problem(.failure, "\(node.name): the disk is not slow", why: "QEMU has \(found)") }
                guard node.state == .ready else { return "\(node.name): QEMU has \(limit)" }
                let (count, size) = disk.sample(limit)
                let seconds = try await node.run(disk.read(count, size)).duration.seconds
                // QEMU lets a tenth of a second's worth through at once.
                let least = 0.5 * disk.seconds(count, size, limit)
                guard seconds > least else {
                    throw Problem(
                        .failure, "\(node.name): the disk is not slow",
                        why:
                            "\(count) requests of \(size) bytes took \(seconds.rounded(to: 2)) s, and should take \(least.rounded(to: 2)) s"
                    )
                }
                return "\(node.name): \(count) requests of \(size) bytes take \(seconds.rounded(to: 2)) s"
            },
            heal: { try await node.setDiskLimit(0, nil) },
            confirm: {
                guard node.canObey else { return "\(node.name) is \(node.state.rawValue)" }
                let found = try await node.machine().guest.diskLimit(0)
                guard found == DiskLimit() else {
                    throw Problem(.failure, "\(node.name): the disk is still slow", why: "QEMU has \(found)")
                }
                guard node.state == .ready else { return "\(node.name): no limit" }
                let (count, size) = disk.sample(limit)
                let seconds = try await node.run(disk.read(count, size)).duration.seconds
                return "\(node.name): \(count) requests of \(size) bytes take \(seconds.rounded(to: 2)) s"
            })
    }

    private func requireDisk(_ node: Node) throws(Problem) {
        guard node.hasDisk else {
            throw Problem(
                .invalidInput, "\(node.name) has no disk", why: "it runs from memory", remedy: "boot it with a disk: `bootMode: .uefi`")
        }
    }
}

/// The first disk as the guest has it, and requests that try it past the guest's caches.
private struct GuestDisk: Sendable {
    let path = "/dev/vda"
    private let note = "/run/vmlab/writable"

    /// The requests that errors make fail. What is written is what is there: the first sector, which is in use for nothing but the partitions.
    func requests(_ errors: DiskErrors) -> [String] {
        let (read, write) = (
            "dd if=\(path) of=/dev/null bs=4096 count=1 iflag=direct",
            "mkdir -p /run/vmlab && dd if=\(path) of=/run/vmlab/sector bs=512 count=1 && dd if=/run/vmlab/sector of=\(path) bs=512 count=1 oflag=direct conv=notrunc"
        )
        switch errors {
        case .reads: return [read]
        case .writes: return [write]
        case .all: return [read, write]
        }
    }

    /// Remembers which file systems on the disk take writes.
    var noteWritable: String {
        """
        mkdir -p /run/vmlab && [ -e \(note) ] || while read -r vs vm _ vo _; do
        case $vs,$vo, in /dev/vda*,rw,*) echo "$vm" ;; esac
        done </proc/mounts >\(note)
        """
    }

    /// Whether they still do.
    var tryWritable: String {
        """
        \(requests(.all).joined(separator: " && ")) || exit 1
        [ -e \(note) ] || exit 0
        while read -r vm; do
        : >"$vm/.vmlab-writable" && sync "$vm/.vmlab-writable" && rm -f "$vm/.vmlab-writable" || { echo "$vm takes no writes"; exit 1; }
        done <\(note)
        rm -f \(note)
        """
    }

    /// As many requests as should take about a second.
    func sample(_ limit: DiskLimit) -> (count: Int, size: Int) {
        if limit.operationsPerSecond > 0 { return (min(200, max(2, limit.operationsPerSecond)), 4096) }
        return (max(2, min(limit.bytesPerSecond, 32 << 20) / 16384), 16384)
    }

    func seconds(_ count: Int, _ size: Int, _ limit: DiskLimit) -> Double {
        let byCount = limit.operationsPerSecond > 0 ? Double(count - 1) / Double(limit.operationsPerSecond) : 0
        let byBytes = limit.bytesPerSecond > 0 ? Double((count - 1) * size) / Double(limit.bytesPerSecond) : 0
        return max(byCount, byBytes)
    }

    func read(_ count: Int, _ size: Int) -> String { "dd if=\(path) of=/dev/null bs=\(size) count=\(count) iflag=direct" }
}
