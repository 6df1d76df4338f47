import ArgumentParser
import BuildRegistry
import LabEvents

/// `vmlab image matrix`.
struct ImageMatrixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "matrix", abstract: "List the variants of images/variants.yaml: every image that can be built.",
        discussion: """
            A variant's name is ROLE@AXIS=VALUE,…, with as many axes as tell it from the others: server@profile=vlans,node=server-1. NAME limits the list \
            to what it fits. --github is one line for `fromJSON` in a job's strategy, --gitlab a hidden job `.variants` to extend.
            """)

    @Argument(help: "Only the variants that this name fits.")
    var name: String?

    @Flag(help: "Print JSON with everything that is declared.")
    var json = false

    @Flag(help: "Print the matrix of a GitHub Actions job.")
    var github = false

    @Flag(help: "Print the matrix of a GitLab CI job.")
    var gitlab = false

    func validate() throws {
        if [json, github, gitlab].filter({ $0 }).count > 1 { throw ValidationError("choose one of --json, --github and --gitlab") }
    }

    func run() async throws {
        var matrix = try VariantMatrix.standard()
        if let name { matrix.variants = try matrix.variants(named: name) }
        if json { return Terminal.print(try Terminal.json(matrix)) }
        if github { return Terminal.print(try matrix.githubMatrix()) }
        if gitlab { return Terminal.print(matrix.gitlabMatrix()) }
        let registered = Set(try await ImageRegistry().images().map(\.variant))
        var rows = [VariantAxis.allCases.map { $0.rawValue.uppercased() } + ["BUILDER", "OUTPUTS", "REGISTERED"]]
        for variant in matrix.variants {
            rows.append(
                VariantAxis.allCases.map { variant[$0] == VariantAxis.none ? "-" : variant[$0] } + [
                    variant.builder.rawValue, variant.outputs.map(\.name).joined(separator: " "),
                    registered.contains(variant.id) ? "yes" : "no",
                ])
        }
        Terminal.table(rows)
        Terminal.note(
            "\(matrix.variants.count) variants, \(matrix.variants.reduce(0) { $0 + $1.outputs.count }) artifacts · \(matrix.file)")
    }
}
