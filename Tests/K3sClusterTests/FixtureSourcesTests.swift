import Foundation
import Testing
import Yams

/// The table of where the fixtures were looked up.
@Suite("Sources of the fixtures", .tier(.unit))
struct FixtureSourcesTests {
    private struct Table: Decodable {
        struct Row: Decodable {
            var source: String
            var repository: String?
            var commit: String?
            var seen: String
        }
        var commit: String
        var compared: [String: String]
        var fixtures: [String: [Row]]
    }

    private static func table() throws -> Table { try Fixtures.yaml("SOURCES.yaml") }

    @Test("Every fixture is in the table, with file and symbol and what was seen there") func everyFixtureTable() throws {
        let table = try Self.table()
        let files = try FileManager.default.contentsOfDirectory(atPath: Fixtures.folder.path).filter { $0 != "SOURCES.yaml" }
        #expect(Set(files) == Set(table.fixtures.keys))
        let hash = /[0-9a-f]{40}/
        #expect(table.commit.wholeMatch(of: hash) != nil)
        #expect(table.compared.values.allSatisfy { $0.wholeMatch(of: hash) != nil })
        for (file, rows) in table.fixtures {
            #expect(!rows.isEmpty && Set(rows.map(\.source)).count == rows.count, "\(file)")
            for row in rows {
                #expect(row.source.wholeMatch(of: /[A-Za-z0-9_.\/-]+\.(go|sh):[A-Za-z_][A-Za-z0-9_.]*/) != nil, "\(file): \(row.source)")
                #expect(row.seen.count > 3 && (row.commit ?? table.commit).wholeMatch(of: hash) != nil, "\(file): \(row.source)")
                // What is of another repository is at a commit of its own.
                #expect(row.repository == nil || row.commit != nil, "\(file): \(row.source)")
            }
        }
    }

    @Test("What a fixture names as its source is in the table under its name") func fixtureNamesSource() throws {
        let table = try Self.table()
        for (file, rows) in table.fixtures where file.hasSuffix(".yaml") {
            let value = try #require(try Yams.load(yaml: String(decoding: Fixtures.bytes(file), as: UTF8.self)))
            var named: Set<String> = []
            Self.collect(value, into: &named)
            #expect(named == Set(rows.map(\.source)), "\(file)")
        }
    }

    @Test("Every case has a source") func everyCaseSource() throws {
        // Lists whose items each come from another place; elsewhere one source stands for the file.
        for (file, list) in [
            ("answers.yaml", "answers"), ("answers.yaml", "paths"), ("failure-lines.yaml", "lines"), ("start-lines.yaml", "lines"),
            ("health.yaml", "answers"), ("data-folder.yaml", "entries"), ("node-metadata.yaml", "annotations"),
            ("token-forms.yaml", "refused"),
        ] {
            let value = try Yams.load(yaml: String(decoding: Fixtures.bytes(file), as: UTF8.self)) as? [String: Any]
            let items = try #require(value?[list] as? [[String: Any]], "\(file): \(list)")
            #expect(!items.isEmpty && items.allSatisfy { $0["source"] is String }, "\(file): \(list)")
        }
    }

    private static func collect(_ value: Any, into named: inout Set<String>) {
        if let map = value as? [String: Any] {
            if let source = map["source"] as? String { named.insert(source) }
            for value in map.values { collect(value, into: &named) }
        } else if let list = value as? [Any] {
            for value in list { collect(value, into: &named) }
        }
    }
}
