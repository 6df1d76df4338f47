public import VMLab

extension Budget {
    /// For a wait in a guest that says nothing else.
    public static let wait = Budget("wait", .seconds(60))
}
