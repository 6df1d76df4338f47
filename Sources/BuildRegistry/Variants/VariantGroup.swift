import LabEvents
import SystemPackage
import Yams

/// A group of `variants.yaml`: variants that are made alike. Its keys are explained at ``VariantMatrix/init(yaml:file:catalog:)``.
struct VariantGroup {
    static let keys = [
        "name", "summary", "builder", "settings", "axes", "exclude", "include", "chain", "outputFolder", "outputs", "guest",
    ]

    let name: String
    let section: YAMLSection
    let folder: String
    let builder: ImageVariant.Builder
    let settings: [String: String]
    let chain: [ChainEntry]
    let outputs: [ImageOutput]
    private let catalog: ImageCatalog

    /// A file of a kas chain.
    struct ChainEntry {
        var file: String
        /// The values that it is for, where it is not for all.
        var when: [VariantAxis: [String]]
    }

    init(_ section: YAMLSection, folder: String, catalog: ImageCatalog) throws(Problem) {
        self.section = section
        self.folder = folder
        self.catalog = catalog
        name = try section.string("name")
        _ = try section.optionalString("summary")
        let text = try section.string("builder")
        guard let builder = ImageVariant.Builder(rawValue: text) else {
            throw section.problem(
                "unknown builder '\(text)'", at: "builder",
                remedy: "use \(ImageVariant.Builder.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.builder = builder
        settings = try section.stringMap("settings")
        chain = try Self.chain(section)
        outputs = try Self.outputs(section)
        if builder == .isar, chain.isEmpty {
            throw section.problem("the builder isar has no chain", at: "chain", remedy: "add `chain: [kas/base.yml, …]`")
        }
        if builder == .isar, section.node("outputFolder") == nil { throw section.missing("outputFolder") }
        if builder == .mmdebstrap, settings["description"] == nil {
            throw section.problem(
                "the builder mmdebstrap needs the setting 'description'", at: "settings",
                remedy: "add `settings: {description: NAME}`, a name from images/")
        }
    }

    /// All variants of the group.
    func variants() throws(Problem) -> [ImageVariant] {
        var variants: [ImageVariant] = []
        for combination in try combinations() { variants.append(try variant(combination)) }
        return variants
    }

    // MARK: Combinations

    private func combinations() throws(Problem) -> [[VariantAxis: String]] {
        guard let axes = try section.section("axes", keys: VariantAxis.allCases.map(\.rawValue)) else { throw section.missing("axes") }
        var values: [VariantAxis: [String]] = [:]
        for axis in VariantAxis.allCases {
            let list = try axes.strings(axis.rawValue)
            guard !list.isEmpty else {
                guard axis == .profile || axis == .node else {
                    throw axes.problem("axes lack values of '\(axis.rawValue)'", at: axis.rawValue, remedy: "add `\(axis.rawValue): […]`")
                }
                values[axis] = [VariantAxis.none]
                continue
            }
            for value in list { try check(value, axis, axes) }
            guard Set(list).count == list.count else {
                throw axes.problem("a value of '\(axis.rawValue)' stands there twice", at: axis.rawValue, remedy: "remove one")
            }
            values[axis] = list
        }
        var product: [[VariantAxis: String]] = [[:]]
        for axis in VariantAxis.allCases {
            product = product.flatMap { base in (values[axis] ?? []).map { base.merging([axis: $0]) { $1 } } }
        }
        for excluded in try section.sections("exclude", keys: VariantAxis.allCases.map(\.rawValue)) {
            let name = VariantName(axes: try named(excluded))
            guard product.contains(where: name.matches) else {
                throw excluded.problem("'\(name)' excludes nothing", at: "role", remedy: "remove it, or correct its values")
            }
            product.removeAll(where: name.matches)
        }
        for included in try section.sections("include", keys: VariantAxis.allCases.map(\.rawValue)) {
            var combination = try named(included)
            for axis in VariantAxis.allCases where combination[axis] == nil {
                guard let list = values[axis], list.count == 1 else {
                    throw included.problem(
                        "an included variant does not say its \(axis.rawValue)", at: "role", why: "the group has several values of it",
                        remedy: "add `\(axis.rawValue): …`, with `none` if it has none")
                }
                combination[axis] = list[0]
            }
            product.append(combination)
        }
        return product
    }

    private func named(_ entry: YAMLSection) throws(Problem) -> [VariantAxis: String] {
        var named: [VariantAxis: String] = [:]
        for axis in VariantAxis.allCases {
            guard let value = try entry.optionalString(axis.rawValue) else { continue }
            try check(value, axis, entry)
            named[axis] = value
        }
        return named
    }

    private func check(_ value: String, _ axis: VariantAxis, _ section: YAMLSection) throws(Problem) {
        guard VariantAxis.isValue(value) else {
            throw section.problem(
                "'\(value)' cannot be a value of '\(axis.rawValue)'", at: axis.rawValue,
                remedy: "use lower-case letters, digits, '-', '.' and '_'")
        }
        guard axis != .arch || ImageArchitecture(rawValue: value) != nil else {
            throw section.problem(
                "unknown architecture '\(value)'", at: axis.rawValue,
                remedy: "use \(ImageArchitecture.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    // MARK: One variant

    private func variant(_ axes: [VariantAxis: String]) throws(Problem) -> ImageVariant {
        func filled(_ text: String, _ key: String) throws(Problem) -> String { try fill(text, axes, key) }
        var settings: [String: String] = [:]
        for (key, value) in self.settings { settings[key] = try filled(value, "settings") }
        var chain: [String] = []
        for entry in self.chain where entry.when.allSatisfy({ $0.value.contains(axes[$0.key] ?? "") }) {
            let isWithout = VariantAxis.allCases.contains { axes[$0] == VariantAxis.none && entry.file.contains("{\($0.rawValue)}") }
            if !isWithout { chain.append(try filled(entry.file, "chain")) }
        }
        var outputs: [ImageOutput] = []
        for var output in self.outputs {
            var patterns: [String] = []
            for pattern in output.patterns { patterns.append(try filled(pattern, "outputs")) }
            output.patterns = patterns
            outputs.append(output)
        }
        var outputFolder: String?
        if let text = try section.optionalString("outputFolder") {
            outputFolder = FilePath(folder).pushing(FilePath(try filled(text, "outputFolder"))).lexicallyNormalized().string
        }
        let id = VariantName(axes: axes).description
        return ImageVariant(
            id: id, axes: axes, group: name, builder: builder, settings: settings, chain: chain, outputFolder: outputFolder,
            outputs: outputs,
            guest: try guest(settings), folder: folder, source: section.problem("", at: "name").location ?? section.file)
    }

    private func fill(_ text: String, _ axes: [VariantAxis: String], _ key: String) throws(Problem) -> String {
        var rest = text
        for axis in VariantAxis.allCases { rest = rest.replacing("{\(axis.rawValue)}", with: axes[axis] ?? "") }
        guard !rest.contains("{"), !rest.contains("}") else {
            throw section.problem(
                "'\(text)' has something in braces that is no axis", at: key,
                remedy: "use \(VariantAxis.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", "))")
        }
        return rest
    }

    private func guest(_ settings: [String: String]) throws(Problem) -> ImageVariant.GuestFacts {
        var facts = ImageVariant.GuestFacts()
        if builder == .mmdebstrap, let name = settings["description"] {
            let description = try catalog.description(named: name)
            facts.commandLine = description.kernelCommandLine
            facts.memoryMiB = description.memoryMiB
            facts.vcpus = description.vcpus
            facts.bootModes = description.bootModes
            facts.consoles = description.consoles
            facts.consoles.login?.password = nil
        }
        guard let guest = try section.section("guest", keys: ["commandLine", "memoryMiB", "vcpus", "consoles"]) else { return facts }
        if let line = try guest.optionalString("commandLine") { facts.commandLine = line }
        if guest.node("memoryMiB") != nil { facts.memoryMiB = try guest.integer("memoryMiB", in: 32...1_048_576) }
        if guest.node("vcpus") != nil { facts.vcpus = try guest.integer("vcpus", in: 1...256) }
        if let consoles = try guest.section("consoles", keys: ["backdoor", "login"]) {
            facts.consoles = GuestConsoles(backdoor: try consoles.optionalString("backdoor"))
            if let login = try consoles.section("login", keys: ["device", "user"]) {
                facts.consoles.login = .init(device: try login.string("device"), user: try login.string("user"))
            }
        }
        return facts
    }
}
