import LabEvents

/// How one fault is made, seen, and undone.
struct FaultWork: Sendable {
    /// Makes it. What it did before it failed is undone by `heal`.
    var inject: @Sendable () async throws -> Void
    /// Goes on from then on while it lasts, for faults that are a course of events.
    var course: (@Sendable () async throws -> Void)?
    /// Waits until its effect is seen, and says what showed it.
    var observe: @Sendable () async throws -> String
    /// Undoes it; right also when it was never made, or only in part.
    var heal: @Sendable () async throws -> Void
    /// Waits until its effect is gone, and says what showed it.
    var confirm: @Sendable () async throws -> String
}

extension Lab {
    /// How a fault is made on this lab.
    ///
    /// - Parameter isRenewed: it was made under the owner before already.
    /// - Throws: a ``Problem`` of kind `invalidInput` for what the lab does not have; nothing has happened then.
    func work(for fault: Fault, isRenewed: Bool = false) throws(Problem) -> FaultWork {
        switch fault {
        case .cut(let names): try cut(try cards(names))
        case .partition(let groups): try partition(groups)
        case .isolate(let names): try isolate(names)
        case .impair(let names, let direction, let impairments): try impair(try cables(names), direction, impairments)
        case .flap(let name, let down, let up): try flap(try card(name), down: down, up: up)
        case .switchCrash(let name): try crash(try segment(name))
        case .switchFreeze(let name): try freeze(try segment(name))
        case .wrongVLAN(let name, let vlans): try wrongVLAN(try card(name), vlans)
        case .duplicateAddress(let address, let node): try duplicate(address, at: try self.node(node))
        case .rogueDHCPServer(let network): try rogueDHCP(network)
        case .dhcpServerGone(let node): try withoutDHCP(try self.node(node))
        case .node(let name, let fault): try work(for: fault, on: try node(name), isRenewed: isRenewed)
        }
    }
}
