import Foundation
import Synchronization
import Testing

@testable import BuildRegistry

/// The folder of this package.
let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Runs `body` with a fresh folder that is gone afterwards.
func withTemporaryFolder<T>(_ body: (String) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory.appending(path: "vmlab-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// Values in the order they were appended, from any task.
final class Recorder<Element: Sendable>: Sendable {
    private let values = Mutex<[Element]>([])
    /// All values so far.
    var all: [Element] { values.withLock { $0 } }
    /// Adds a value and returns how many there are.
    @discardableResult
    func append(_ value: Element) -> Int {
        values.withLock {
            $0.append(value)
            return $0.count
        }
    }
}

/// A description with nothing in it that need not be.
let minimalYAML = """
    name: tiny
    intent: A fixture.
    kind: initramfs
    variant: extract
    packages:
      debian: [linux-image-cloud-amd64, busybox-static]
    programs:
      /bin/busybox: /bin/busybox
    applets: /bin/busybox
    modules: [virtio_pci]
    files:
      - path: /etc/hostname
        content: tiny
    users:
      - name: root
        password: secret
    disk:
      espMiB: 40
      label: tiny-data
      sizeMiB: 16
    kernelCommandLine: console=ttyS0
    memoryMiB: 128
    vcpus: 1
    consoles:
      backdoor: hvc0
      login:
        device: ttyS0
        user: root
    buildSpaceMiB: 4
    """

/// The description of ``minimalYAML``.
func minimalDescription() throws -> ImageDescription { try ImageDescription(yaml: minimalYAML, file: "images/tiny.yaml") }

/// A builder that makes small files at once, or does what it is told first.
struct QuickBuilder: ImageBuilding {
    var version = "quick"
    /// Gets the folder to build in, before the parts are written.
    var work: @Sendable (String) async throws -> Void = { _ in }

    func build(
        _ description: ImageDescription, on host: HostDistribution, in folder: String,
        progress: @escaping @Sendable (ImageBuildEvent) -> Void
    ) async throws -> BuiltImage {
        try await work(folder)
        for part in ["kernel", "initrd", "disk.qcow2"] { try Folder.write("the \(part) of \(description.name)", to: folder + "/" + part) }
        return BuiltImage(kernel: "kernel", initrd: "initrd", disk: "disk.qcow2", diskVirtualBytes: 1 << 20, packages: [])
    }
}

/// A store in `cache` on an imagined Debian.
func makeStore(_ cache: String, _ builder: any ImageBuilding = QuickBuilder()) -> ImageStore {
    ImageStore(cache: cache, builder: builder, tools: HostTools(), host: { HostDistribution(id: "debian", codename: "bookworm") })
}
