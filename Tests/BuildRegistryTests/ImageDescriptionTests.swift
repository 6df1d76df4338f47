import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

@Suite(.tier(.unit))
struct ImageDescriptionTests {
    @Test(arguments: ["mini", "mini-ab", "debian", "k3s-standin"])
    func theImagesOfThisPackageLoad(_ name: String) throws {
        let description = try ImageCatalog(folders: [packageFolder + "/images"]).description(named: name)
        #expect(description.name == name)
        #expect(description.consoles.login?.password == "vmlab")
        #expect(description.packages.keys.sorted() == ["debian", "ubuntu"])
    }

    @Test func defaultsAndValuesAreRead() throws {
        let description = try minimalDescription()
        #expect(description.files == [.init(path: "/etc/hostname", mode: 0o644, content: "tiny")])
        #expect(description.loadModules == ["virtio_pci"])
        #expect(description.consoles == GuestConsoles(backdoor: "hvc0", login: .init(device: "ttyS0", user: "root", password: "secret")))
        #expect(description.disk == .init(espMiB: 40, label: "tiny-data", sizeMiB: 16))
    }

    @Test func theFilesOfAFolderBelongToTheDescription() async throws {
        try await withTemporaryFolder { folder in
            let source = folder + "/parts/sub"
            try FileManager.default.createDirectory(atPath: source + "/__pycache__", withIntermediateDirectories: true)
            for (name, text) in [("tool", "#!/bin/sh"), ("data", "1"), ("__pycache__/data.pyc", "compiled")] {
                try Folder.write(text, to: "\(source)/\(name)", mode: name == "tool" ? 0o755 : 0o640)
            }
            let yaml = minimalYAML + "\ntrees:\n  - {path: /opt, from: parts}"
            let description = try ImageDescription(yaml: yaml, file: folder + "/tiny.yaml")
            #expect(
                description.files.dropFirst() == [
                    .init(path: "/opt/sub/data", mode: 0o644, content: "1"),
                    .init(path: "/opt/sub/tool", mode: 0o755, content: "#!/bin/sh"),
                ])
            try Folder.write("2", to: source + "/data")
            #expect(try ImageDescription(yaml: yaml, file: folder + "/tiny.yaml") != description, "another byte, another image")
            let absent = yaml.replacing("from: parts", with: "from: pieces")
            let problem = try #require(throws: Problem.self) { try ImageDescription(yaml: absent, file: folder + "/tiny.yaml") }
            #expect("\(problem)".contains("pieces"))
        }
    }

    @Test func commandsNeedASystemThatCanRunThem() throws {
        let problem = try #require(throws: Problem.self) {
            try ImageDescription(yaml: minimalYAML + "\ncommands: [ldconfig]", file: "images/tiny.yaml")
        }
        #expect("\(problem)".contains("commands belong to the kind 'disk'"))
    }

    @Test func slotsAreReadAndLeaveOneWayToBoot() throws {
        let slots = minimalYAML.replacing("sizeMiB: 16", with: "sizeMiB: 16\n  slots: {names: [a, b], sizeMiB: 20}")
        let description = try ImageDescription(yaml: slots, file: "images/tiny.yaml")
        #expect(description.disk.slots == .init(names: ["a", "b"], sizeMiB: 20))
        #expect(description.bootModes == [.uefi], "BIOS and QEMU's own way know nothing of the variables that choose")
        #expect(try minimalDescription().bootModes == [.direct, .bios, .uefi])
        for (names, says) in [
            ("[a]", "at least two"), ("[a, a]", "different names"), ("[a, B]", "'B'"), ("[a, twelve-bytes]", "'twelve-bytes'"),
        ] {
            let problem = try #require(throws: Problem.self) {
                try ImageDescription(yaml: slots.replacing("[a, b]", with: names), file: "images/tiny.yaml")
            }
            #expect("\(problem)".contains(says))
        }
    }

    struct Mistake: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var replace: String
        var with: String
        var line: Int
        /// Must occur in the whole text of the problem.
        var says: [String]
    }

    static let mistakes = [
        Mistake(
            testDescription: "unknown key", replace: "modules:", with: "module:", line: 10,
            says: ["unknown key 'module'", "did you mean 'modules'?"]),
        Mistake(
            testDescription: "unknown nested key", replace: "label:", with: "lable:", line: 19,
            says: ["unknown key 'lable' in disk", "'label'"]),
        Mistake(
            testDescription: "not a number", replace: "vcpus: 1", with: "vcpus: many", line: 23,
            says: ["vcpus is not a whole number from 1 to 256"]),
        Mistake(testDescription: "out of range", replace: "espMiB: 40", with: "espMiB: 4", line: 18, says: ["from 36 to 4096"]),
        Mistake(
            testDescription: "list instead of text", replace: "intent: A fixture.", with: "intent: [a]", line: 2,
            says: ["intent is not a text"]),
        Mistake(
            testDescription: "text instead of list", replace: "[virtio_pci]", with: "virtio_pci", line: 10, says: ["modules is not a list"]),
        Mistake(
            testDescription: "no kernel", replace: "linux-image-cloud-amd64, ", with: "", line: 6,
            says: ["no kernel among the packages for debian", "linux-image"]),
        Mistake(
            testDescription: "unknown distribution", replace: "debian:", with: "gentoo:", line: 6,
            says: ["unknown key 'gentoo'", "debian, ubuntu"]),
        Mistake(testDescription: "missing key", replace: "memoryMiB: 128\n", with: "", line: 1, says: ["lacks the key 'memoryMiB'"]),
        Mistake(
            testDescription: "unknown kind", replace: "kind: initramfs", with: "kind: tape", line: 3,
            says: ["unknown kind 'tape'", "initramfs or disk"]),
        Mistake(
            testDescription: "variant does not fit", replace: "variant: extract", with: "variant: minbase", line: 4,
            says: ["does not fit the kind"]),
        Mistake(testDescription: "other name than the file", replace: "name: tiny", with: "name: large", line: 1, says: ["tiny.yaml"]),
        Mistake(
            testDescription: "relative path", replace: "path: /etc", with: "path: etc", line: 12, says: ["'etc/hostname'", "absolute"]),
        Mistake(
            testDescription: "mode", replace: "content: tiny", with: "content: tiny\n    mode: 755", line: 14, says: ["four octal digits"]),
        Mistake(
            testDescription: "login without password", replace: "user: root", with: "user: eve", line: 28,
            says: ["'eve' logs in but has no password"]),
        Mistake(
            testDescription: "applets of nothing", replace: "applets: /bin/busybox", with: "applets: /bin/toybox", line: 9,
            says: ["'/bin/toybox'"]),
        Mistake(testDescription: "long label", replace: "tiny-data", with: "a-label-of-18-byte", line: 19, says: ["longer than 16 bytes"]),
        Mistake(
            testDescription: "key twice", replace: "vcpus: 1", with: "vcpus: 1\nvcpus: 2", line: 23, says: ["not valid YAML", "vcpus"]),
        Mistake(testDescription: "broken YAML", replace: "[virtio_pci]", with: "[virtio_pci", line: 11, says: ["not valid YAML"]),
    ]

    @Test(arguments: mistakes)
    func aMistakeIsNamedWithItsLineAndTheRemedy(_ mistake: Mistake) throws {
        let text = minimalYAML.replacing(mistake.replace, with: mistake.with)
        try #require(text != minimalYAML)
        let problem = try #require(throws: Problem.self) { try ImageDescription(yaml: text, file: "images/tiny.yaml") }
        #expect(problem.kind == .invalidInput)
        #expect(problem.location == "images/tiny.yaml:\(mistake.line)")
        for words in mistake.says { #expect(problem.description.contains(words)) }
    }

    @Test func anEmptyFileAndAListAreNoDescriptions() {
        #expect(throws: Problem.self) { try ImageDescription(yaml: "", file: "a.yaml") }
        #expect(throws: Problem.self) { try ImageDescription(yaml: "- a", file: "a.yaml") }
    }
}
