public import LabEvents

/// The name of a variant as people write it: `ROLE`, `ROLE@AXIS=VALUE,…` or `AXIS=VALUE,…`, with as many axes as tell it from the others.
public struct VariantName: Sendable, Equatable, CustomStringConvertible {
    /// The values that it names.
    public var axes: [VariantAxis: String]

    /// Reads a name.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput` when it has another form, an unknown axis, or an axis twice.
    public init(_ text: String) throws(Problem) {
        var axes: [VariantAxis: String] = [:]
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        var pairs = parts.last.map { String($0) } ?? ""
        if parts.count == 2 || !text.contains("=") {
            axes[.role] = String(parts[0])
            if parts.count == 1 { pairs = "" }
        }
        for pair in pairs.split(separator: ",", omittingEmptySubsequences: false) where parts.count == 2 || text.contains("=") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, let axis = VariantAxis(rawValue: String(halves[0])) else {
                throw Self.problem(text, why: "'\(pair)' is not AXIS=VALUE; the axes are \(Self.allAxes)")
            }
            guard axes.updateValue(String(halves[1]), forKey: axis) == nil else {
                throw Self.problem(text, why: "it names the \(axis.rawValue) twice")
            }
        }
        if let bad = axes.values.sorted().first(where: { !VariantAxis.isValue($0) }) {
            throw Self.problem(text, why: "'\(bad)' has other characters than lower-case letters, digits, '-', '.' and '_'")
        }
        self.axes = axes
    }

    /// A name from its values.
    init(axes: [VariantAxis: String]) { self.axes = axes }

    /// The name in its one form: the role, `@`, then the other axes in their order.
    public var description: String {
        let pairs = axes.keys.sorted().filter { $0 != .role }.map { "\($0.rawValue)=\(axes[$0] ?? "")" }.joined(separator: ",")
        guard let role = axes[.role] else { return pairs }
        return pairs.isEmpty ? role : "\(role)@\(pairs)"
    }

    /// Whether a variant has all the values that the name has.
    func matches(_ variant: [VariantAxis: String]) -> Bool { axes.allSatisfy { variant[$0.key] == $0.value } }

    private static let allAxes = VariantAxis.allCases.map(\.rawValue).joined(separator: ", ")

    private static func problem(_ text: String, why: String) -> Problem {
        Problem(
            .invalidInput, "'\(text)' is not the name of a variant", why: why,
            remedy: "write it as server@profile=vlans,node=server-1; `vmlab image matrix` lists all of them")
    }
}
