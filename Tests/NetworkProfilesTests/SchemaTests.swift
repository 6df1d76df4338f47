import Foundation
import LabEvents
import NetworkProfiles
import Testing

@Suite("The JSON Schema of profiles", .tier(.unit))
struct SchemaTests {
    @Test("The file beside the profiles is what the program prints")
    func file() throws {
        let text = try String(contentsOfFile: packageFolder + "/profiles/schema.json", encoding: .utf8)
        #expect(text == NetworkProfile.schema, "run `vmlab profile schema >profiles/schema.json`")
    }

    /// A section of the schema that describes a mapping of known keys.
    private struct Section: Decodable {
        struct Property: Decodable { var description: String }
        var description: String?
        var additionalProperties: Bool
        var required: [String]?
        var properties: [String: Property]
    }

    private struct Document: Decodable {
        var definitions: [String: Section]
        private enum CodingKeys: String, CodingKey { case definitions = "$defs" }
    }

    @Test("Every section is closed, and every key is described")
    func sections() throws {
        let data = Data(NetworkProfile.schema.utf8)
        let root = try JSONDecoder().decode(Section.self, from: data)
        let definitions = try JSONDecoder().decode(Document.self, from: data).definitions
        #expect(
            definitions.keys.sorted() == [
                "bond", "expectedFailure", "impairment", "network", "nic", "node", "role", "segment", "service", "trunk", "vlan",
            ])
        for section in [root] + Array(definitions.values) {
            #expect(!section.additionalProperties && section.description != nil)
            for (key, property) in section.properties { #expect(property.description.hasSuffix("."), "\(key)") }
            #expect(Set(section.required ?? []).isSubset(of: section.properties.keys))
        }
        #expect(root.properties.count == 14)
    }

    @Test("The reader knows the schema's keys and no others")
    func keys() throws {
        let data = Data(NetworkProfile.schema.utf8)
        let keys = try JSONDecoder().decode(Section.self, from: data).properties.keys.sorted()
        // Each key gets a value that fits no shape: a known key is complained about by its shape, an unknown one by its name.
        for key in keys + ["stranger"] {
            let text = "name: x\nsummary: x\n" + (["name", "summary"].contains(key) ? "" : "\(key): [{a: b}]\n")
            let error = try #require(throws: ProfileError.self) { try NetworkProfile.parse(text, file: "x.yaml") }
            #expect(error.problems.contains { $0.what.contains("unknown key '\(key)'") } == (key == "stranger"))
        }
    }
}
