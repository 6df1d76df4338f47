import LabEvents

/// Files that exist already. Settings: `from`, the folder with them, relative to the file that declares the variant.
struct ImportBuilder: VariantBuilding {
    func check(_ variant: ImageVariant) async throws {
        try variant.checkSettings(["from"])
        _ = try files(variant)
    }

    func inputs(_ variant: ImageVariant) async throws -> [String: String] {
        var inputs: [String: String] = [:]
        for (name, path) in try files(variant) {
            inputs["file \(name)"] = try await BlockingCall.run { try ArtifactCopy.digest(of: path, $0).sha256 }
        }
        return inputs
    }

    /// What is imported is never moved, and any number may read it.
    func exclusive(_ variant: ImageVariant) -> [String] { [] }

    func build(_ variant: ImageVariant, _ work: VariantWork) async throws -> VariantProduct {
        VariantProduct(folder: variant.path(try variant.setting("from")))
    }

    private func files(_ variant: ImageVariant) throws(Problem) -> [String: String] {
        try ImageRegistration.files(of: variant, in: variant.path(try variant.setting("from")))
    }
}
