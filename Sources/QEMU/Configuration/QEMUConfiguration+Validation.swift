public import LabEvents

extension QEMUConfiguration {
    /// Checks what can be known without touching the host.
    ///
    /// - Throws: a problem of kind `invalidInput` that names the first setting QEMU would refuse: a socket path of more than 107 bytes, a
    ///   name with
    ///   other characters than letters, digits, `.`, `_` and `-`, a name twice, too many devices, no processor, no memory, a serial of more
    ///   than 20 bytes.
    public func validate() throws(Problem) {
        try checkName(name, of: "guest")
        guard processors >= 1 else { throw refusal("needs at least one processor", why: "\(processors) given") }
        guard memory.mebibytes >= 1 else { throw refusal("needs memory", why: "\(memory.mebibytes) MiB given") }
        try checkCount(disks.count, limit: PCILayout.diskLimit, of: "disks")
        try checkCount(networkInterfaces.count, limit: PCILayout.interfaceLimit, of: "network interfaces")
        for disk in disks {
            guard let serial = disk.serial, serial.utf8.count > 20 else { continue }
            throw refusal("has a disk with a serial of more than 20 bytes", location: disk.path, why: serial)
        }
        for channel in channels { try checkName(channel.name, of: "channel") }
        let names = channels.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw refusal("has two channels of one name", why: twice)
        }
        try checkCount((ChannelPlace.assign(channels).last?.bus ?? -1) + 1, limit: PCILayout.serialBusLimit, of: "virtio-serial devices")
        for path in socketPaths { try UnixSocketPath.check(path) }
    }

    /// Every socket that QEMU itself makes, with the serial console's first one.
    var socketPaths: [String] {
        let datagrams = networkInterfaces.compactMap { interface -> String? in
            guard case .datagram(let local, _) = interface.backend else { return nil }
            return local
        }
        // A long run may reach boot 9999; its path has to fit as well.
        return [monitorSocket, serial.socketPath(boot: 1), serial.socketPath(boot: 9999)] + channels.map(\.socketPath) + datagrams
    }

    private func refusal(_ what: String, location: String? = nil, why: String?, remedy: String? = nil) -> Problem {
        Problem(.invalidInput, "guest \(name) \(what)", location: location, why: why, remedy: remedy)
    }

    private func checkName(_ name: String, of kind: String) throws(Problem) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: ".-_".utf8.contains(byte)
            }
        }
        guard !isPlain || name.isEmpty else { return }
        throw Problem(
            .invalidInput, "\(kind) name '\(name)' is not acceptable", why: "QEMU's ids are letters, digits, '.', '_' and '-'",
            remedy: "choose another name")
    }

    private func checkCount(_ count: Int, limit: Int, of kind: String) throws(Problem) {
        guard count > limit else { return }
        throw refusal("has too many \(kind)", why: "\(count) given, \(limit) fit on its PCI bus")
    }
}
