public import LabEvents

/// All images that can be built, as a file `variants.yaml` declares them.
public struct VariantMatrix: Sendable, Codable, Equatable {
    /// The file that declares it, an absolute path.
    public var file: String
    /// The variants in the order of the file; a group's included ones behind those of its axes.
    public var variants: [ImageVariant]

    /// The lock file that belongs to it: `registry.lock` beside it.
    public var lockFile: String { Folder.parent(file) + "/registry.lock" }

    /// The matrix of the first folder of `catalog` that has a `variants.yaml`.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput`: there is none, or an error in the file.
    public static func standard(catalog: ImageCatalog? = nil) throws(Problem) -> VariantMatrix {
        guard let catalog else { return try standard(catalog: try ImageCatalog.standard()) }
        guard let file = catalog.folders.map({ $0 + "/" + ImageCatalog.matrixFile }).first(where: Folder.exists) else {
            throw Problem(
                .invalidInput, "there is no \(ImageCatalog.matrixFile)",
                location: catalog.folders.isEmpty ? nil : catalog.folders.joined(separator: ", "),
                remedy: "write one in images/, or set VMLAB_IMAGES to the folder that has it")
        }
        return try VariantMatrix(contentsOf: file, catalog: catalog)
    }

    /// The one variant that a name fits.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput`: the name has another form, or fits no variant, or several, which are listed.
    public func variant(named text: String) throws(Problem) -> ImageVariant {
        let name = try VariantName(text)
        let found = variants.filter { name.matches($0.axes) }
        guard found.count != 1 else { return found[0] }
        guard found.isEmpty else {
            throw Problem(
                .invalidInput, "'\(text)' fits \(found.count) variants", location: file,
                why: "the candidates are\n" + found.map(\.id).joined(separator: "\n"),
                remedy: "add what tells them apart: \(Self.differing(found).map(\.rawValue).joined(separator: ", "))")
        }
        throw Problem(
            .invalidInput, "there is no variant '\(text)'", location: file, why: mismatch(name), remedy: "`vmlab image matrix` lists them")
    }

    /// The variants that a name fits, of which there may be several.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput` when there is none.
    public func variants(named text: String) throws(Problem) -> [ImageVariant] {
        let name = try VariantName(text)
        let found = variants.filter { name.matches($0.axes) }
        return found.isEmpty ? [try variant(named: text)] : found
    }

    /// The axes in which some variants differ.
    static func differing(_ variants: [ImageVariant]) -> [VariantAxis] {
        VariantAxis.allCases.filter { axis in Set(variants.map { $0[axis] }).count > 1 }
    }

    /// Which part of a name fits nothing, with what there is.
    private func mismatch(_ name: VariantName) -> String {
        for (axis, value) in name.axes.sorted(by: { $0.key < $1.key }) where !variants.contains(where: { $0[axis] == value }) {
            let known = Set(variants.map { $0[axis] }).sorted().joined(separator: ", ")
            return "no variant has \(axis.rawValue)=\(value); there are \(known)"
        }
        return "each of these values exists, but not together"
    }
}
