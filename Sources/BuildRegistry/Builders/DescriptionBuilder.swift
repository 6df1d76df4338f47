import LabEvents

/// Images of ours by mmdebstrap, through the image cache. Settings: `description`, a name from images/.
struct DescriptionBuilder: VariantBuilding {
    let store: ImageStore
    let catalog: ImageCatalog

    func check(_ variant: ImageVariant) async throws {
        try variant.checkSettings(["description"])
        _ = try catalog.description(named: try variant.setting("description"))
    }

    func inputs(_ variant: ImageVariant) async throws -> [String: String] {
        ["image": try store.key(for: try catalog.description(named: try variant.setting("description")))]
    }

    func build(_ variant: ImageVariant, _ work: VariantWork) async throws -> VariantProduct {
        let description = try catalog.description(named: try variant.setting("description"))
        let key = try store.key(for: description)
        _ = try await store.image(for: description) { event in
            work.alive()
            switch event {
            case .stepStarted(_, let step, let number, let count): work.activity("\(number) of \(count): \(step)")
            case .packages(_, let activity, let done, let total):
                work.activity("packages \(activity.rawValue): \(done)\(total.map { " of \($0)" } ?? "")")
            case .waiting(_, let holder): work.activity("waiting for process \(holder ?? "unknown"), which builds the same")
            default: break
            }
        }
        return VariantProduct(folder: store.folder(key: key), builderDigest: store.builder.version)
    }
}
