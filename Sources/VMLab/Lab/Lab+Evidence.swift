import LabEvents
import VDE

extension Lab {
    /// Takes what will be gone with the lab: the tables of the switches. What cannot be had is left out; evidence never makes a run fail.
    func gatherEvidence() async {
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
