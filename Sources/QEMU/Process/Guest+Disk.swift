/// Which requests of a guest's disk fail.
public enum DiskErrors: String, Sendable, Codable, CaseIterable {
    /// Reading.
    case reads
    /// Writing and flushing.
    case writes
    /// Both.
    case all

    /// The requests in blkdebug's words (`BlkdebugIOType`).
    fileprivate var requests: [String] {
        let (reads, writes) = (["read"], ["write", "write-zeroes", "flush"])
        switch self {
        case .reads: return reads
        case .writes: return writes
        case .all: return reads + writes
        }
    }
}

/// How much a guest's disk does at most.
public struct DiskLimit: Sendable, Hashable, Codable {
    /// Bytes a second, read and written; 0 is no limit.
    public var bytesPerSecond: Int
    /// Requests a second; 0 is no limit.
    public var operationsPerSecond: Int

    /// A limit; none by default.
    public init(bytesPerSecond: Int = 0, operationsPerSecond: Int = 0) {
        (self.bytesPerSecond, self.operationsPerSecond) = (bytesPerSecond, operationsPerSecond)
    }
}

/// What can be done to a disk while the guest runs. The errors are those of a blkdebug node that is put between the device and its image; QEMU lets a
/// device that runs change its node (`drive` of qdev-properties-system.c), and the guest's requests wait meanwhile.
extension Guest {
    /// Makes requests of a disk fail with EIO, or no longer.
    ///
    /// - Parameters:
    ///   - index: the disk's place, from 0.
    ///   - errors: which; nil for none.
    public func setDiskErrors(_ index: Int, _ errors: DiskErrors?) async throws(MonitorError) {
        let (image, filter) = ("disk\(index)", "disk\(index)-errors")
        if try await failsRequests(index) {
            try await setDrive(index, image)
            try await monitor.execute(QMP.Custom("blockdev-del", arguments: ["node-name": .string(filter)]))
        }
        guard let errors else { return }
        let rules = errors.requests.map { request -> JSONValue in
            .object(["event": .string("none"), "iotype": .string(request), "errno": .integer(5)])
        }
        try await monitor.execute(
            QMP.Custom(
                "blockdev-add",
                arguments: [
                    "driver": .string("blkdebug"), "node-name": .string(filter), "image": .string(image), "inject-error": .array(rules),
                ]))
        try await setDrive(index, filter)
    }

    /// Whether requests of a disk are made to fail.
    public func failsRequests(_ index: Int) async throws(MonitorError) -> Bool {
        let drive = try await monitor.execute(
            QMP.Custom("qom-get", arguments: ["path": .string(Self.device(index)), "property": .string("drive")]))
        return drive.string == "disk\(index)-errors"
    }

    /// Limits what a disk does.
    public func setDiskLimit(_ index: Int, _ limit: DiskLimit) async throws(MonitorError) {
        var arguments: [String: JSONValue] = [
            "id": .string(Self.backend(index)), "bps": .integer(Int64(limit.bytesPerSecond)),
            "iops": .integer(Int64(limit.operationsPerSecond)),
        ]
        for name in ["bps_rd", "bps_wr", "iops_rd", "iops_wr"] { arguments[name] = .integer(0) }
        try await monitor.execute(QMP.Custom("block_set_io_throttle", arguments: arguments))
    }

    /// What a disk does at most, as QEMU says.
    public func diskLimit(_ index: Int) async throws(MonitorError) -> DiskLimit {
        guard case .array(let disks) = try await monitor.execute(QMP.Custom("query-block")) else { return DiskLimit() }
        let inserted = disks.first { $0["qdev"]?.string == Self.backend(index) }?["inserted"]
        return DiskLimit(
            bytesPerSecond: Int(inserted?["bps"]?.integer ?? 0), operationsPerSecond: Int(inserted?["iops"]?.integer ?? 0))
    }

    private func setDrive(_ index: Int, _ node: String) async throws(MonitorError) {
        try await monitor.execute(
            QMP.Custom(
                "qom-set", arguments: ["path": .string(Self.device(index)), "property": .string("drive"), "value": .string(node)]))
    }

    private static func device(_ index: Int) -> String { "/machine/peripheral/vd\(index)" }
    /// The part of a virtio-blk-pci device that has the disk.
    private static func backend(_ index: Int) -> String { device(index) + "/virtio-backend" }
}
