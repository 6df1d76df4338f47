import FoundationEssentials
public import LabEvents

extension ImageDescription {
    /// Reads the description in the file at `path`.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput` with file, line, reason and remedy.
    public init(contentsOf path: String) throws(Problem) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(
                .invalidInput, "cannot read the image description", location: path, remedy: "check that the file exists and is readable")
        }
        try self.init(yaml: String(decoding: data, as: UTF8.self), file: path)
    }

    /// Reads the description in `text`; `file` is what errors call it, and its last part is `NAME.yaml`.
    public init(yaml text: String, file: String) throws(Problem) {
        let root = try YAMLSection(try YAMLSection.document(text, file: file), file: file, title: "image description", keys: Self.keys)
        name = try root.string("name")
        intent = try root.string("intent")
        kind = try Self.kind(root)
        variant = try root.string("variant")
        packages = try Self.packages(root)
        programs = try root.stringMap("programs")
        applets = try root.optionalString("applets")
        modules = try root.strings("modules")
        optionalModules = try root.strings("optionalModules")
        loadModules = root.node("loadModules") == nil ? modules : try root.strings("loadModules")
        folders = try root.strings("folders")
        files = try Self.files(root) + Self.trees(root)
        symlinks = try root.stringMap("symlinks")
        commands = root.node("commands") == nil ? nil : try root.strings("commands")
        units = try Self.units(root)
        users = try Self.users(root)
        disk = try Self.disk(root)
        kernelCommandLine = try root.string("kernelCommandLine")
        memoryMiB = try root.integer("memoryMiB", in: 32...1_048_576)
        vcpus = try root.integer("vcpus", in: 1...256)
        consoles = try Self.consoles(root, users: users)
        buildSpaceMiB = try root.integer("buildSpaceMiB", in: 1...1_048_576)
        try check(root)
    }

    private static let keys = [
        "name", "intent", "kind", "variant", "packages", "programs", "applets", "modules", "optionalModules", "loadModules", "folders",
        "files", "trees", "symlinks", "commands", "units", "users", "disk", "kernelCommandLine", "memoryMiB", "vcpus", "consoles",
        "buildSpaceMiB",
    ]

    private static func kind(_ root: YAMLSection) throws(Problem) -> Kind {
        let text = try root.string("kind")
        guard let kind = Kind(rawValue: text) else {
            throw root.problem(
                "unknown kind '\(text)'", at: "kind", remedy: "use \(Kind.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        return kind
    }

    private static func packages(_ root: YAMLSection) throws(Problem) -> [String: [String]] {
        let known = HostDistribution.supported
        guard let section = try root.section("packages", keys: known) else { throw root.missing("packages") }
        var packages: [String: [String]] = [:]
        for distribution in known where section.node(distribution) != nil {
            let names = try section.strings(distribution)
            if let bad = names.first(where: { !$0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) } }) {
                throw section.problem("'\(bad)' is not a package name", at: distribution, remedy: "use letters, digits, +, - and .")
            }
            guard names.contains(where: { $0.hasPrefix("linux-image-") }) else {
                throw section.problem(
                    "no kernel among the packages for \(distribution)", at: distribution, why: "none of them is called linux-image-…",
                    remedy: "add the kernel package, for example linux-image-\(distribution == "debian" ? "cloud-amd64" : "virtual")")
            }
            packages[distribution] = names
        }
        return packages
    }

    private static func files(_ root: YAMLSection) throws(Problem) -> [File] {
        var files: [File] = []
        for section in try root.sections("files", keys: ["path", "mode", "content"]) {
            let text = try section.optionalString("mode") ?? "0644"
            guard text.count == 4, let mode = UInt32(text, radix: 8) else {
                throw section.problem("mode '\(text)' is not four octal digits", at: "mode", remedy: "write for example mode: \"0755\"")
            }
            files.append(File(path: try section.string("path"), mode: mode, content: try section.string("content")))
        }
        return files
    }

    private static func units(_ root: YAMLSection) throws(Problem) -> Units {
        guard let section = try root.section("units", keys: ["enable", "disable", "mask"]) else { return Units() }
        return Units(enable: try section.strings("enable"), disable: try section.strings("disable"), mask: try section.strings("mask"))
    }

    private static func users(_ root: YAMLSection) throws(Problem) -> [User] {
        var users: [User] = []
        for section in try root.sections("users", keys: ["name", "password"]) {
            let user = User(name: try section.string("name"), password: try section.string("password"))
            for (key, value) in [("name", user.name), ("password", user.password)]
            where !value.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }) {
                throw section.problem("a user's \(key) has other characters than letters, digits, '.', '_' and '-'", at: key)
            }
            users.append(user)
        }
        return users
    }

    private static func disk(_ root: YAMLSection) throws(Problem) -> Disk {
        guard let section = try root.section("disk", keys: ["espMiB", "label", "sizeMiB", "slots"]) else { throw root.missing("disk") }
        var disk = Disk(
            espMiB: try section.integer("espMiB", in: 36...4096), label: try section.string("label"),
            sizeMiB: try section.integer("sizeMiB", in: 8...1_048_576))
        guard disk.label.utf8.count <= 16 else {
            throw section.problem(
                "the label '\(disk.label)' is longer than 16 bytes", at: "label", why: "ext4 keeps no more", remedy: "shorten it")
        }
        disk.slots = try slots(section)
        return disk
    }

    private static func slots(_ disk: YAMLSection) throws(Problem) -> Slots? {
        guard let section = try disk.section("slots", keys: ["names", "sizeMiB"]) else { return nil }
        let names = try section.strings("names")
        guard names.count > 1, Set(names).count == names.count else {
            throw section.problem("slots are at least two, with different names", at: "names", remedy: "write names: [a, b]")
        }
        // An ext4 label has 16 bytes, and `slot-` is in it.
        for name in names where !(1...11).contains(name.utf8.count) || !name.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber) }) {
            throw section.problem("a slot cannot be called '\(name)'", at: "names", remedy: "use 1 to 11 lower-case letters and digits")
        }
        return Slots(names: names, sizeMiB: try section.integer("sizeMiB", in: 8...65536))
    }

    private static func consoles(_ root: YAMLSection, users: [User]) throws(Problem) -> GuestConsoles {
        guard let section = try root.section("consoles", keys: ["backdoor", "login"]) else { throw root.missing("consoles") }
        var consoles = GuestConsoles(backdoor: try section.optionalString("backdoor"))
        if let login = try section.section("login", keys: ["device", "user"]) {
            let user = try login.string("user")
            guard let known = users.first(where: { $0.name == user }) else {
                throw login.problem("'\(user)' logs in but has no password", at: "user", remedy: "add the user under `users:`")
            }
            consoles.login = .init(device: try login.string("device"), user: user, password: known.password)
        }
        guard consoles.backdoor != nil || consoles.login != nil else {
            throw root.problem(
                "the image has no console that leads to a shell", at: "consoles", remedy: "add `backdoor: hvc0` or a `login:`")
        }
        return consoles
    }

    /// The rules that concern several keys at once.
    private func check(_ root: YAMLSection) throws(Problem) {
        let stem = root.file.split(separator: "/").last.map { $0.hasSuffix(".yaml") ? String($0.dropLast(5)) : String($0) } ?? ""
        guard name == stem, name.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }) else {
            throw root.problem(
                "the name '\(name)' does not fit", at: "name",
                why: "the file is called \(stem).yaml; names are lower-case letters, digits and '-'",
                remedy: "make the file's name and the key `name` equal")
        }
        for (key, paths) in [
            ("folders", folders), ("files", files.map(\.path)), ("symlinks", symlinks.keys.sorted()), ("programs", programs.keys.sorted()),
        ] {
            for path in paths where !path.hasPrefix("/") || path.split(separator: "/").contains("..") {
                throw root.problem(
                    "the path '\(path)' under \(key) is not an absolute one", at: key, remedy: "start it with / and leave out ..")
            }
        }
        guard (kind == .initramfs) == (variant == "extract") else {
            throw root.problem(
                "the variant '\(variant)' does not fit the kind '\(kind.rawValue)'", at: "variant",
                remedy: kind == .initramfs ? "use variant: extract" : "use minbase, or another variant that installs its packages")
        }
        if kind == .disk, !programs.isEmpty || applets != nil {
            throw root.problem("programs and applets belong to the kind 'initramfs'", at: "kind", remedy: "install a package instead")
        }
        if kind == .disk, disk.slots != nil {
            throw root.problem("slots belong to the kind 'initramfs'", at: "disk", remedy: "an initramfs can find the slot to go to")
        }
        if kind == .initramfs, commands != nil {
            throw root.problem(
                "commands belong to the kind 'disk'", at: "commands", remedy: "nothing runs in an initramfs while it is made")
        }
        if kind == .initramfs, units != Units() {
            throw root.problem("units belong to the kind 'disk'", at: "units", remedy: "write an inittab under files")
        }
        if let applets, programs[applets] == nil {
            throw root.problem("applets names '\(applets)', which is not among programs", at: "applets", remedy: "add it under programs")
        }
        if let stray = loadModules.first(where: { !modules.contains($0) && !optionalModules.contains($0) }) {
            throw root.problem(
                "loadModules names '\(stray)', which the image does not have", at: "loadModules", remedy: "add it under modules")
        }
    }
}
