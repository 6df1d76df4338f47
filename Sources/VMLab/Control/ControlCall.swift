public import GuestShell
public import LabEvents

/// A call that a client may make on a node by its name. Modules above VMLab bring them: what a scenario can say is then said the same way from a shell.
public struct ControlCall: Sendable {
    /// What a client gave.
    public struct Arguments: Sendable {
        /// The node that is meant.
        public let node: Node
        /// The script for the guest; nil when there is none.
        public let command: String?
        /// The limit that was chosen; nil for the call's own.
        public let timeout: Duration?
        /// Everything else, by name.
        public let values: [String: String]

        /// The script.
        ///
        /// - Throws: a ``LabEvents/Problem`` of kind `invalidInput` when there is none.
        public func script() throws(Problem) -> String {
            if let command, !command.isEmpty { return command }
            throw Problem(.invalidInput, "the call needs a command")
        }

        /// A value that must be there.
        ///
        /// - Throws: a ``LabEvents/Problem`` of kind `invalidInput` when it is not.
        public func text(_ name: String) throws(Problem) -> String {
            if let value = values[name], !value.isEmpty { return value }
            throw Problem(.invalidInput, "the call needs a value '\(name)'")
        }

        /// A number that must be there.
        ///
        /// - Throws: a ``LabEvents/Problem`` of kind `invalidInput` when it is not, or is none in the range.
        public func number(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int {
            let text = try text(name)
            if let number = Int(text), range.contains(number) { return number }
            throw Problem(
                .invalidInput, "\(name) '\(text)' is not acceptable", why: "a number from \(range.lowerBound) to \(range.upperBound) is")
        }
    }

    /// What a call came to when it did not fail.
    public struct Report: Sendable, Codable, Equatable {
        /// What was asked or waited for.
        public var what: String
        /// How long it took.
        public var seconds: Double
        /// How many times it was asked; nil for what is not asked again.
        public var tries: Int?
        /// What was seen last.
        public var observation: String?
        /// The exit status of a command.
        public var exit: Int?

        /// A report from its parts.
        public init(what: String, seconds: Double, tries: Int? = nil, observation: String? = nil, exit: Int? = nil) {
            (self.what, self.seconds, self.tries, self.observation, self.exit) = (what, seconds, tries, observation, exit)
        }
    }

    /// Takes output to the client while the call runs.
    public typealias Output = @Sendable (OutputPiece) async throws -> Void

    /// What clients call it.
    public let name: String
    let body: @Sendable (Arguments, @escaping Output) async throws -> Report

    /// A call.
    public init(_ name: String, _ body: @escaping @Sendable (Arguments, @escaping Output) async throws -> Report) {
        (self.name, self.body) = (name, body)
    }
}

/// The calls that the owner of a lab takes.
public struct ControlCalls: Sendable {
    private let calls: [ControlCall]

    /// A list of calls.
    public init(_ calls: [ControlCall] = []) { self.calls = calls }

    /// Their names, in order.
    public var names: [String] { calls.map(\.name) }

    /// The call of a name.
    ///
    /// - Throws: a ``LabEvents/Problem`` of kind `invalidInput` that lists the names.
    func named(_ name: String?) throws(Problem) -> ControlCall {
        if let call = calls.first(where: { $0.name == name }) { return call }
        throw Problem(
            .invalidInput, "there is no call '\(name ?? "")'", why: "the lab's owner has \(names.joined(separator: ", "))",
            remedy: "`vmlab takeover` makes this build the owner")
    }
}
