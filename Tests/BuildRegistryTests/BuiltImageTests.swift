import Foundation
import Testing

@testable import BuildRegistry

/// The images of this package, as they really come out. They are taken from the shared cache; only the first run builds them.
@Suite(.tier(.guest), .serialized)
struct BuiltImageTests {
    static let catalog = ImageCatalog(folders: [packageFolder + "/images"])

    @Test(.timeLimit(.minutes(15)), arguments: ["mini", "debian"])
    func anImageIsBuiltOnceAndThenReused(_ name: String) async throws {
        let store = ImageStore()
        let description = try Self.catalog.description(named: name)
        let image = try await store.image(for: description) { event in
            if case .packages = event { return }
            print(event)
        }
        let disk = try #require(image.disk)
        #expect(disk.format == .qcow2)
        #expect(image.firmwares == [.direct, .bios, .uefi])
        #expect(image.commandLine == description.kernelCommandLine)
        try await store.verify(key: store.key(for: description))

        let events = Recorder<ImageBuildEvent>()
        let again = try await store.image(for: description) { events.append($0) }
        #expect(again == image)
        #expect(events.all == [.reused(image: name, key: try store.key(for: description))])

        // A foreign eye sees the same: a disk that BIOS and UEFI can boot.
        let foreign = try await ForeignImage.inspect(disk.path, digesting: false)
        #expect(foreign.firmwares == [.bios, .uefi])
        #expect(foreign.disk == disk)
    }

    @Test("An image with slots has an entry for each, and UEFI alone can boot it", .timeLimit(.minutes(15)))
    func slots() async throws {
        let image = try await ImageStore().image(for: Self.catalog.description(named: "mini-ab"))
        #expect(image.firmwares == [.uefi])
        let disk = try #require(image.disk)
        #expect(try await ForeignImage.inspect(disk.path, digesting: false).firmwares == [.uefi])
    }
}
