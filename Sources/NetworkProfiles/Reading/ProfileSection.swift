/// A value of a profile's file, of the shape that its key has.
enum ProfileValue: Sendable {
    case text(String)
    /// Also durations, in seconds.
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case range(ClosedRange<Int>)
    case prefix(IPPrefix)
    case list([ProfileValue])
    case map([(name: String, section: ProfileSection)])
    case section(ProfileSection)
}

/// A section of known keys, read: what is in it has the shape that the table asks for.
struct ProfileSection: Sendable {
    /// Where it stands, as a path of keys.
    var path: String
    var values: [String: ProfileValue] = [:]

    func text(_ key: String) -> String? { if case .text(let text) = values[key] { text } else { nil } }
    func integer(_ key: String) -> Int? { if case .integer(let number) = values[key] { number } else { nil } }
    func number(_ key: String) -> Double? { if case .number(let number) = values[key] { number } else { nil } }
    func boolean(_ key: String) -> Bool? { if case .boolean(let flag) = values[key] { flag } else { nil } }
    func range(_ key: String) -> ClosedRange<Int>? { if case .range(let range) = values[key] { range } else { nil } }
    func prefix(_ key: String) -> IPPrefix? { if case .prefix(let prefix) = values[key] { prefix } else { nil } }
    func section(_ key: String) -> ProfileSection? { if case .section(let section) = values[key] { section } else { nil } }
    func map(_ key: String) -> [(name: String, section: ProfileSection)]? { if case .map(let map) = values[key] { map } else { nil } }
    func list(_ key: String) -> [ProfileValue]? { if case .list(let list) = values[key] { list } else { nil } }
    func texts(_ key: String) -> [String]? { list(key)?.compactMap { if case .text(let text) = $0 { text } else { nil } } }
    func integers(_ key: String) -> [Int]? { list(key)?.compactMap { if case .integer(let number) = $0 { number } else { nil } } }
    func prefixes(_ key: String) -> [IPPrefix]? { list(key)?.compactMap { if case .prefix(let prefix) = $0 { prefix } else { nil } } }
}
