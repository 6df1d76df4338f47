public import VMLab

extension ScenarioCatalog {
    /// The scenarios that come with vmlab.
    public static let builtIn = ScenarioCatalog([.twoNodes, .manyNodes])
}
