import Glibc
import LabEvents
import VDE

extension Lab {
    /// Takes what will be gone with the lab: the counters of the cables, the tables of the switches. What cannot be had is left out; evidence never makes a run fail.
    func gatherEvidence() async {
        keepCounters()
        await withTaskGroup(of: Void.self) { group in
            for segment in segments {
                group.addTask {
                    guard let found = try? segment.vdeSwitch(), let text = try? await found.text() else { return }
                    let path = "\(self.context.run.path)/network/switch-\(segment.name).ports.txt"
                    try? AtomicFile.write(Array(text.utf8), to: path, redactor: self.secrets)
                }
            }
            // A switch that hangs must not hold up the end.
            group.addTask { try? await Task.sleep(for: .milliseconds(1500)) }
            for _ in segments { await group.next() }
            group.cancelAll()
        }
    }
}

extension VDESwitch {
    /// The switch's tables for people: ports with their counters, VLANs with their members, learned addresses.
    fileprivate func text() async throws -> String {
        var lines = ["port  VLAN  active  packets in  bytes in  packets out  bytes out  endpoints"]
        for port in try await ports() {
            let untagged = port.untaggedVLAN.map { "\($0)" } ?? "-"
            let counters = port.counters
            let endpoints = port.endpoints.map(\.description).joined(separator: ", ")
            lines.append(
                "\(port.number)  \(untagged)  \(port.isActive)  \(counters.packetsIn)  \(counters.bytesIn)  \(counters.packetsOut)  \(counters.bytesOut)  "
                    + endpoints)
        }
        lines += ["", "VLAN  members (t: tagged)"]
        for entry in try await vlans() {
            lines.append("\(entry.vlan)  " + entry.members.map { "\($0.port)\($0.isTagged ? "t" : "")" }.joined(separator: " "))
        }
        lines += ["", "address  VLAN  port  age (s)"]
        for learned in try await addressTable() { lines.append("\(learned.address)  \(learned.vlan)  \(learned.port)  \(learned.age)") }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Lab {
    /// Keeps a text or JSON in the run directory, without secrets.
    ///
    /// - Parameter path: relative to the run directory, such as `cluster/status.json`; folders are made.
    /// - Throws: a ``Problem`` of kind `invalidInput` for a path that leaves the run directory, and when it cannot be written.
    public func keep(_ bytes: [UInt8], as path: String) throws {
        try AtomicFile.write(bytes, to: try place(path), redactor: secrets)
    }

    /// Keeps bytes as they are, such as a database, which would be of no use with parts taken out.
    ///
    /// - Parameter path: as of ``keep(_:as:)``.
    /// - Throws: a ``Problem`` when a secret that the run knows is in them, and as ``keep(_:as:)``.
    public func keepUnchanged(_ bytes: [UInt8], as path: String) throws {
        for (value, name) in secrets.secrets where bytes.firstRange(of: Array(value.utf8)) != nil {
            throw Problem(.failure, "\(path) is not kept", why: "the secret '\(name)' is in it")
        }
        let target = try place(path)
        // It may be there from an earlier execution of the phase.
        unlink(target)
        context.evidence(target).append(bytes)
    }

    private func place(_ path: String) throws(Problem) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, !parts.contains(".."), !parts.contains(""), !parts.contains(".") else {
            throw Problem(.invalidInput, "'\(path)' is no place in the run directory", why: "folders and a name are needed")
        }
        let target = context.run.path + "/" + path
        if let folder = target.lastIndex(of: "/") { try Folders.make(String(target[..<folder])) }
        return target
    }
}
