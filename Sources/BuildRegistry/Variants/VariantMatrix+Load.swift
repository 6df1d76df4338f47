import FoundationEssentials
public import LabEvents
import Yams

/// # Form of variants.yaml
///
/// A list `groups`; a group declares variants that are made alike. Its keys:
/// - `name`, `summary`: for people; the name is unique.
/// - `builder`: one of ``ImageVariant/Builder``; `settings`: texts for it, which each builder documents.
/// - `axes`: for each axis (``VariantAxis``) the list of its values; every combination is a variant. `profile` and `node` may be absent: `none`.
/// - `exclude`: combinations to leave out, each a mapping of some axes to values. `include`: combinations to add; an axis that one does not
///   name must have a single value in the group.
/// - `chain`: kas files in order, relative to the file. An entry is a text, or `file` with `when`: axes with the value, or list of values, that it
///   is for. An entry that has in it an axis whose value is `none` is left out.
/// - `outputFolder`: where the builder leaves the outputs, relative to the file.
/// - `outputs`: by name: `patterns` (glob(7)), `format` (``ImageOutput/Format``), `size` (`1M-8G`; K, M and G are powers of 1024), `programs`, `shared`.
/// - `guest`: `commandLine`, `memoryMiB`, `vcpus`, `consoles` as in an image description. Absent with the builder `mmdebstrap`, where the
///   description that the setting `description` names has all that.
///
/// `{AXIS}` in `settings`, `chain`, `outputFolder` and `patterns` is the variant's value.
extension VariantMatrix {
    /// Reads a matrix. `catalog` has the image descriptions that it speaks of; nil for those beside it.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput` with file, line, reason and remedy.
    public init(contentsOf path: String, catalog: ImageCatalog? = nil) throws(Problem) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(.invalidInput, "cannot read the variants", location: path, remedy: "check that the file exists and is readable")
        }
        try self.init(yaml: String(decoding: data, as: UTF8.self), file: path, catalog: catalog)
    }

    /// Reads the matrix in `text`; `file` is what errors call it, and what relative paths start from.
    public init(yaml text: String, file: String, catalog: ImageCatalog? = nil) throws(Problem) {
        let root = try YAMLSection(try YAMLSection.document(text, file: file), file: file, title: "variants", keys: ["groups"])
        let folder = Folder.parent(Folder.absolute(file))
        var variants: [ImageVariant] = []
        var names: Set<String> = []
        for section in try root.sections("groups", keys: VariantGroup.keys) {
            let group = try VariantGroup(section, folder: folder, catalog: catalog ?? ImageCatalog(folders: [folder]))
            guard names.insert(group.name).inserted else {
                throw section.problem("there are two groups '\(group.name)'", at: "name", remedy: "give one of them another name")
            }
            for variant in try group.variants() {
                if let other = variants.first(where: { $0.id == variant.id }) {
                    throw section.problem(
                        "the variant \(variant.id) is declared twice", at: "name", why: "it is also at \(other.source)",
                        remedy: "exclude it from one of the groups, or give it another value of an axis")
                }
                variants.append(variant)
            }
        }
        guard !variants.isEmpty else { throw root.problem("no variants are declared", at: "groups", remedy: "add a group") }
        self.init(file: Folder.absolute(file), variants: variants)
    }
}
