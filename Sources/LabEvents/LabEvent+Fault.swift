extension LabEvent {
    /// How far a fault has come that somebody injects.
    public enum FaultState: String, Sendable, Codable, CaseIterable {
        /// It is about to be injected.
        case recorded
        /// It took effect.
        case injected
        /// It is about to be healed.
        case healing
        /// It is gone.
        case healed
        /// It could not be injected, or its end could not be confirmed.
        case failed
        /// The lab went down, and the fault with it.
        case ended
    }

    /// The payload of ``Kind/fault(_:)``.
    public struct FaultChange: Sendable, Codable, Equatable {
        /// The fault's number in the run, from 1.
        public var id: Int
        /// What is broken, such as `cut server-1.eth1`.
        public var fault: String
        /// How far it has come.
        public var state: FaultState
        /// What showed that, or what went wrong.
        public var detail: String?

        /// The payload from its parts.
        public init(id: Int, fault: String, state: FaultState, detail: String? = nil) {
            (self.id, self.fault, self.state, self.detail) = (id, fault, state, detail)
        }
    }
}
