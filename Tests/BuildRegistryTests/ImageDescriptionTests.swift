import LabEvents
import Testing

@testable import BuildRegistry

@Suite(.tier(.unit))
struct ImageDescriptionTests {
    @Test(arguments: ["mini", "debian"])
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
