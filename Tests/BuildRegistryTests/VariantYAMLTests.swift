import LabEvents
import Testing

@testable import BuildRegistry

/// What is wrong with a `variants.yaml` is said with its line.
@Suite(.tier(.unit))
struct VariantYAMLTests {
    static let good = """
        groups:
          - name: edge
            builder: isar
            axes:
              role: [server, agent]
              machine: [vm]
              profile: [vlans, simple]
              boot: [uefi]
              arch: [amd64]
            exclude:
              - {role: agent, profile: simple}
            include:
              - {role: base, profile: none}
            chain: [base.yml, "net/{profile}.yml", {file: k3s.yml, when: {role: [server, agent]}}]
            outputFolder: "out/{machine}"
            outputs:
              wic:
                patterns: ["{role}.wic"]
                format: wic
                size: 1M-2G
                programs: [/usr/bin/k3s]
        """

    struct Case: Sendable, CustomTestStringConvertible {
        var old: String
        var new: String
        var what: String
        var line: Int
        var testDescription: String { what }
    }

    @Test func `combinations, excludes, includes and templates are filled in`() throws {
        let matrix = try VariantMatrix(yaml: Self.good, file: "/w/images/variants.yaml")
        #expect(
            matrix.variants.map(\.id) == [
                "server@machine=vm,profile=vlans,node=none,boot=uefi,arch=amd64",
                "server@machine=vm,profile=simple,node=none,boot=uefi,arch=amd64",
                "agent@machine=vm,profile=vlans,node=none,boot=uefi,arch=amd64",
                "base@machine=vm,profile=none,node=none,boot=uefi,arch=amd64",
            ])
        #expect(
            matrix.variants.map(\.chain) == [
                ["base.yml", "net/vlans.yml", "k3s.yml"], ["base.yml", "net/simple.yml", "k3s.yml"],
                ["base.yml", "net/vlans.yml", "k3s.yml"], ["base.yml"],
            ])
        let wic = try #require(matrix.variants[0].output("wic"))
        #expect(
            wic == ImageOutput(name: "wic", patterns: ["server.wic"], format: .wic, bytes: 1 << 20...2 << 30, programs: ["/usr/bin/k3s"]))
        #expect(matrix.variants[0].outputFolder == "/w/images/out/vm")
        #expect(matrix.variants[0].source == "/w/images/variants.yaml:2")
        #expect(matrix.lockFile == "/w/images/registry.lock")
    }

    @Test(arguments: [
        Case(old: "builder: isar", new: "builder: make", what: "unknown builder 'make'", line: 3),
        Case(old: "builder: isar", new: "bilder: isar", what: "unknown key 'bilder' in an entry of groups", line: 3),
        Case(old: "arch: [amd64]", new: "arch: [x86]", what: "unknown architecture 'x86'", line: 9),
        Case(old: "[vlans, simple]", new: "[Vlans, simple]", what: "'Vlans' cannot be a value of 'profile'", line: 7),
        Case(old: "[vlans, simple]", new: "[vlans, vlans]", what: "a value of 'profile' stands there twice", line: 7),
        Case(old: "machine: [vm]", new: "machine: []", what: "axes lack values of 'machine'", line: 6),
        Case(
            old: "role: agent, profile: simple", new: "role: agent, profile: none", what: "'agent@profile=none' excludes nothing", line: 11),
        Case(old: "role: base, profile: none", new: "role: base", what: "an included variant does not say its profile", line: 13),
        Case(
            old: "role: base, profile: none", new: "role: server, profile: vlans",
            what: "the variant server@machine=vm,profile=vlans,node=none,boot=uefi,arch=amd64 is declared twice", line: 2),
        Case(old: "net/{profile}.yml", new: "net/{net}.yml", what: "'net/{net}.yml' has something in braces that is no axis", line: 14),
        Case(old: "when: {role:", new: "when: {rolle:", what: "unknown key 'rolle' in when", line: 14),
        Case(old: "    outputFolder: \"out/{machine}\"\n", new: "", what: "an entry of groups lacks the key 'outputFolder'", line: 2),
        Case(old: "format: wic", new: "format: iso", what: "unknown format 'iso'", line: 19),
        Case(old: "format: wic", new: "format: kernel", what: "programs cannot be looked up in a kernel", line: 21),
        Case(old: "1M-2G", new: "2G-1M", what: "'2G-1M' is not a range of sizes", line: 20),
        Case(old: "1M-2G", new: "2G", what: "'2G' is not a range of sizes", line: 20),
        Case(old: "[/usr/bin/k3s]", new: "[k3s]", what: "the program 'k3s' is not an absolute path", line: 21),
        Case(old: "{role}.wic", new: "../{role}.wic", what: "the pattern '../{role}.wic' leads out of the output folder", line: 18),
        Case(old: "programs: [/usr/bin/k3s]", new: "shared: [colour]", what: "unknown axis 'colour'", line: 21),
        Case(old: "        patterns: [\"{role}.wic\"]\n", new: "", what: "the output wic lacks the key 'patterns'", line: 18),
    ])
    func `a mistake is told with its line`(mistake: Case) throws {
        let text = Self.good.replacing(mistake.old, with: mistake.new)
        #expect(text != Self.good)
        let problem = #expect(throws: Problem.self) { try VariantMatrix(yaml: text, file: "v.yaml") }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.what == mistake.what)
        #expect(problem?.location == "v.yaml:\(mistake.line)")
        #expect(problem?.remedy?.isEmpty == false)
    }

    @Test func `a description that is not there is an error`() throws {
        let yaml = """
            groups:
              - name: own
                builder: mmdebstrap
                settings: {description: "{role}"}
                axes: {role: [nobody], machine: [vm], boot: [direct], arch: [amd64]}
                outputs: {kernel: {patterns: [kernel], format: kernel, size: 1K-1G}}
            """
        let problem = #expect(throws: Problem.self) { try VariantMatrix(yaml: yaml, file: packageFolder + "/images/variants.yaml") }
        #expect(problem?.what == "there is no image called 'nobody'")
    }
}
