import LabEvents

/// The modules of one kernel and what they need, from its `modules.dep` and `modules.builtin` (depmod(8)).
struct KernelModules {
    /// The file of a module by its name, relative to the kernel's module folder.
    private var files: [String: String] = [:]
    /// The files that a file needs, in the order of modules.dep: the last one is to be loaded first.
    private var needs: [String: [String]] = [:]
    private var builtin: Set<String> = []

    /// A kernel's modules from the text of its two lists.
    init(dependencies: String, builtin: String) {
        for line in dependencies.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let file = String(parts[0])
            files[Self.name(ofFile: file)] = file
            needs[file] = parts[1].split(separator: " ").map(String.init)
        }
        self.builtin = Set(builtin.split(separator: "\n").map { Self.name(ofFile: String($0)) })
    }

    /// The files of `modules` and of all that they need, each after what it needs, none twice. What is built into the kernel is left out.
    ///
    /// - Throws: ``Problem`` that names every one of `modules` that the kernel has neither as a file nor built in.
    func closure(of modules: [String], optional: [String] = []) throws(Problem) -> [String] {
        let unknown = modules.filter { files[Self.canonical($0)] == nil && !builtin.contains(Self.canonical($0)) }
        guard unknown.isEmpty else {
            throw Problem(
                .invalidInput, "the kernel has no module \(unknown.joined(separator: ", "))", location: "modules",
                why: "neither modules.dep nor modules.builtin names it", remedy: "correct the name, or list it under optionalModules")
        }
        var order: [String] = []
        var seen: Set<String> = []
        func add(_ file: String) {
            guard seen.insert(file).inserted else { return }
            for need in (needs[file] ?? []).reversed() { add(need) }
            order.append(file)
        }
        for module in modules + optional { if let file = files[Self.canonical(module)] { add(file) } }
        return order
    }

    /// Whether the kernel has the module as a file, so that it can be loaded.
    func isLoadable(_ module: String) -> Bool { files[Self.canonical(module)] != nil }

    /// The lines of a modules.dep that knows only `files`, with every suffix of compression removed.
    func dependencies(of files: [String]) -> String {
        files.map { file in
            ([Self.plain(file) + ":"] + (needs[file] ?? []).map(Self.plain)).joined(separator: " ") + "\n"
        }.joined()
    }

    /// The name of the module in a file: `kernel/net/8021q/8021q.ko.xz` is `8021q`; the kernel takes `-` for `_`.
    static func name(ofFile file: String) -> String {
        let last = file.split(separator: "/").last ?? ""
        return canonical(String(last.prefix { $0 != "." }))
    }

    /// A module file's path as it is without compression.
    static func plain(_ file: String) -> String {
        for suffix in [".xz", ".zst", ".gz"] where file.hasSuffix(suffix) { return String(file.dropLast(suffix.count)) }
        return file
    }

    private static func canonical(_ name: String) -> String { name.replacing("-", with: "_") }
}
