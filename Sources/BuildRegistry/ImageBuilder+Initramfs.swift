import FoundationEssentials
import LabEvents

extension ImageBuilder {
    /// Makes the initramfs of kind `initramfs`: the description's files, programs with their links, users, and kernel modules.
    func makeInitramfs(_ work: Workplace) async throws {
        let root = work.initramfs
        try await writeOverlay(to: root, work)
        for (path, source) in work.description.programs.sorted(by: { $0.key < $1.key }) {
            let file = try find(source, work)
            try Folder.copy(file, to: root + path, mode: 0o755)
            try await addLibraries(of: file, to: root, work)
        }
        if let busybox = work.description.applets { try await linkApplets(of: busybox, in: root, work) }
        try await addModules(to: root, work)

        let paths = try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
        // Uncompressed: unpacking costs a guest without KVM more than reading does. /dev/console comes with the kernel.
        try await work.runner.run(
            ["cpio", "--create", "--format=newc", "--owner=0:0", "--reproducible", "--quiet", "-O", work.folder + "/initrd"],
            input: paths.map { $0 + "\n" }.joined(), in: root)
    }

    /// Copies the dynamic loader and the shared libraries that a program needs, as the packages' own loader finds them (ld.so(8)).
    private func addLibraries(of program: String, to root: String, _ work: Workplace) async throws {
        guard let loader = DynamicProgram.loader(of: program) else { return }
        let folders = ["/lib", "/usr/lib"].flatMap { [$0 + "/x86_64-linux-gnu", $0] }.map { work.tree + $0 }
        let name = String(loader.split(separator: "/").last ?? "")
        // Not by its own path: that is often an absolute link, which would lead to the host's.
        guard let own = folders.map({ "\($0)/\(name)" }).first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw Problem(
                .invalidInput,
                "the packages of '\(work.description.name)' have no \(name), which \(program.dropFirst(work.tree.count)) needs",
                location: "\(work.description.name).yaml", remedy: "add the package libc6")
        }
        try Folder.copy(Self.file(behind: own), to: root + loader, mode: 0o755)
        let list = try await work.runner.run([own, "--library-path", folders.joined(separator: ":"), "--list", program])
        for line in list.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 3, words[1] == "=>" else { continue }
            guard words[2].hasPrefix(work.tree) else {
                throw Problem(
                    .invalidInput, "the packages of '\(work.description.name)' have no \(words[0])",
                    location: "\(work.description.name).yaml",
                    why: "\(program.dropFirst(work.tree.count)) needs it", remedy: "add the package that has it")
            }
            try Folder.copy(Self.file(behind: String(words[2])), to: "\(root)/lib/\(words[0])", mode: 0o755)
        }
    }

    /// The file that a library's link leads to.
    private static func file(behind link: String) -> String { URL(filePath: link).resolvingSymlinksInPath().path }

    /// Where a file of the packages lies in the tree, whether or not the distribution has merged /usr.
    private func find(_ path: String, _ work: Workplace) throws(Problem) -> String {
        let spellings = [path, "/usr" + path, path.hasPrefix("/usr/") ? String(path.dropFirst(4)) : path]
        guard let found = spellings.map({ work.tree + $0 }).first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw Problem(
                .invalidInput, "the packages of '\(work.description.name)' have no file \(path)", location: "\(work.description.name).yaml",
                remedy: "add the package that has it, or correct the path")
        }
        return found
    }

    /// Gives every applet of the busybox at `path` its symbolic link, and the users their passwords, which it can encrypt as well.
    private func linkApplets(of path: String, in root: String, _ work: Workplace) async throws {
        let list = try await work.runner.run([root + path, "--list-full"])
        for applet in list.split(separator: "\n") where !Folder.exists(root + "/" + applet) {
            try Folder.link(root + "/" + applet, to: path)
        }
        var shadow = ""
        for user in work.description.users {
            // A fixed salt: the password stands in the description anyway, and the same description shall give the same bytes.
            let hash = try await work.runner.run([root + path, "mkpasswd", "-m", "sha512", "-S", "vmlabvmlab", user.password])
            shadow += "\(user.name):\(hash.filter { !$0.isNewline }):19000:0:99999:7:::\n"
        }
        try Folder.write("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n", to: root + "/etc/passwd")
        try Folder.write("root:x:0:\ntty:x:5:\nnogroup:x:65534:\n", to: root + "/etc/group")
        try Folder.write(shadow, to: root + "/etc/shadow", mode: 0o600)
    }

    /// Copies the modules and what they need, without compression because busybox cannot undo it, and the lists that modprobe reads.
    private func addModules(to root: String, _ work: Workplace) async throws {
        let kernels = try find("/lib/modules", work)
        guard let release = try FileManager.default.contentsOfDirectory(atPath: kernels).sorted().last else { return }
        func list(_ name: String) -> String {
            FileManager.default.contents(atPath: "\(kernels)/\(release)/\(name)").map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        if list("modules.dep").isEmpty { try await work.runner.run(["depmod", "-b", Self.base(of: kernels), release]) }
        let modules = KernelModules(dependencies: list("modules.dep"), builtin: list("modules.builtin"))
        let files = try modules.closure(of: work.description.modules, optional: work.description.optionalModules)

        let target = "\(root)/lib/modules/\(release)"
        for file in files {
            let copy = "\(target)/\(file)"
            try Folder.copy("\(kernels)/\(release)/\(file)", to: copy)
            if file.hasSuffix(".xz") { try await work.runner.run(["xz", "-d", copy]) }
            if file.hasSuffix(".zst") { try await work.runner.run(["zstd", "-q", "-d", "--rm", copy]) }
        }
        let names = Set(files.map(KernelModules.name(ofFile:)))
        let aliases = list("modules.alias").split(separator: "\n").filter { names.contains(String($0.split(separator: " ").last ?? "")) }
        try Folder.write(modules.dependencies(of: files), to: target + "/modules.dep")
        try Folder.write(aliases.map { $0 + "\n" }.joined(), to: target + "/modules.alias")
        try Folder.write("", to: target + "/modules.symbols")
        try Folder.write(list("modules.builtin"), to: target + "/modules.builtin")
        let loaded = work.description.loadModules.filter(modules.isLoadable)
        try Folder.write(loaded.map { $0 + "\n" }.joined(), to: root + "/etc/modules")
    }

    /// The root that a folder …/lib/modules belongs to.
    private static func base(of modules: String) -> String { String(modules.dropLast("/lib/modules".count)) }
}
