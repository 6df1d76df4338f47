import FoundationEssentials

extension VariantMatrix {
    /// The variants as one line of JSON for GitHub Actions: `strategy.matrix` from `fromJSON` of it runs a job for each, with `matrix.variant` and
    /// `matrix.AXIS`.
    public func githubMatrix() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let include = variants.map { variant in
            Dictionary(uniqueKeysWithValues: VariantAxis.allCases.map { ($0.rawValue, variant[$0]) } + [("variant", variant.id)])
        }
        return String(decoding: try encoder.encode(["include": include]), as: UTF8.self)
    }

    /// The variants as YAML for GitLab CI: a hidden job `.variants` to extend, whose `parallel:matrix` sets `VARIANT`, `ROLE`, `MACHINE` and the
    /// other axes.
    ///
    /// GitLab allows 200 jobs in one matrix.
    public func gitlabMatrix() -> String {
        var lines = [".variants:", "  parallel:", "    matrix:"]
        for variant in variants {
            lines.append("      - VARIANT: \"\(variant.id)\"")
            for axis in VariantAxis.allCases { lines.append("        \(axis.rawValue.uppercased()): \"\(variant[axis])\"") }
        }
        return lines.joined(separator: "\n")
    }
}
