extension NetworkProfile {
    /// The JSON Schema (draft 2020-12) of a profile's file, for editors: made of the table of keys that the reader follows. It ends with a newline.
    ///
    /// It says what each key may be; what keys mean together is checked by ``problems()`` alone.
    public static let schema: String = {
        var definitions: [(String, SchemaText)] = []
        var seen: Set<String> = []
        func define(_ keys: ProfileKeys) {
            guard seen.insert(keys.id).inserted else { return }
            for key in keys.keys {
                for inner in key.shape.sections { define(inner) }
            }
            if keys.id != ProfileKeys.profile.id { definitions.append((keys.id, .object(keys.schema))) }
        }
        define(.profile)
        definitions.sort { $0.0 < $1.0 }
        let head: [(String, SchemaText)] = [
            ("$schema", .text("https://json-schema.org/draft/2020-12/schema")), ("title", .text("Network profile of vmlab")),
        ]
        return SchemaText.object(head + ProfileKeys.profile.schema + [("$defs", .object(definitions))]).lines() + "\n"
    }()
}

extension ProfileKeys {
    /// The schema of such a section.
    fileprivate var schema: [(String, SchemaText)] {
        var parts: [(String, SchemaText)] = [
            ("description", .text(text)), ("type", keys.contains(where: \.isRequired) ? .text("object") : Self.optional),
        ]
        parts.append(("additionalProperties", .literal("false")))
        let required = keys.filter(\.isRequired).map { SchemaText.text($0.name) }
        if !required.isEmpty { parts.append(("required", .list(required))) }
        parts.append(("properties", .object(keys.map { ($0.name, .object([("description", .text($0.text))] + $0.shape.schema)) })))
        return parts
    }

    /// Nothing may stand for a section in which nothing must be said.
    fileprivate static let optional = SchemaText.list([.text("object"), .text("null")])
}

extension ProfileShape {
    /// The kinds of sections in it.
    fileprivate var sections: [ProfileKeys] {
        switch self {
        case .map(let keys, _), .section(let keys): [keys]
        case .list(let element): element.sections
        default: []
        }
    }

    /// The schema of such a value.
    fileprivate var schema: [(String, SchemaText)] {
        switch self {
        case .text(let pattern):
            [("type", .text("string"))] + (pattern.map { [("pattern", .text($0))] } ?? [("minLength", .literal("1"))])
        case .word(let words): [("enum", .list(words.map(SchemaText.text)))]
        case .integer(let range):
            [
                ("type", .text("integer")), ("minimum", .literal("\(range.lowerBound)")), ("maximum", .literal("\(range.upperBound)")),
            ]
        case .number(let range):
            [("type", .text("number")), ("minimum", .literal(range.lowerBound.text)), ("maximum", .literal(range.upperBound.text))]
        case .boolean: [("type", .text("boolean"))]
        case .range(let range):
            [
                ("type", .list([.text("integer"), .text("string")])), ("minimum", .literal("\(range.lowerBound)")),
                ("maximum", .literal("\(range.upperBound)")), ("pattern", .text("^[0-9]+(-[0-9]+)?$")),
            ]
        case .duration:
            [("type", .list([.text("integer"), .text("string")])), ("pattern", .text("^[0-9]+[smhd]?$"))]
        case .prefix(let isIPv6):
            [
                ("type", .text("string")),
                ("pattern", .text(isIPv6.map { $0 ? "^[0-9A-Fa-f:.]+/[0-9]+$" : "^[0-9.]+/[0-9]+$" } ?? "^[0-9A-Fa-f:.]+/[0-9]+$")),
            ]
        case .list(let element): [("type", .text("array")), ("items", .object(element.schema))]
        case .section(let keys): [("$ref", .text("#/$defs/\(keys.id)"))]
        case .map(let keys, let pattern):
            [
                ("type", ProfileKeys.optional), ("propertyNames", .object([("pattern", .text(pattern))])),
                ("additionalProperties", .object([("$ref", .text("#/$defs/\(keys.id)"))])),
            ]
        }
    }
}
