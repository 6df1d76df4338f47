public import VMLab

extension Budget {
    /// For a wait in a guest that says nothing else.
    public static let wait = Budget("wait", .seconds(60))
    /// For a wait that may take so long on a host of pace 1.
    public static func seconds(_ seconds: Double) -> Budget { Budget("wait", .seconds(seconds)) }
    /// For one try of a check in a guest, so that one that hangs does not use up the whole wait.
    static let check = Budget("check", .seconds(20))
    /// For one connection that a guest tries to make.
    static let connection = Budget("connection", .seconds(5))
}
