/// What a phase or a run came to.
public enum Verdict: String, Sendable, Codable, CaseIterable {
    /// It did what it should.
    case passed
    /// It did not.
    case failed
    /// It passed after it had failed.
    case flaky
    /// It did not run; ``Skip`` says why.
    case skipped
    /// It failed as it was meant to.
    case expectedFailure
    /// It was meant to fail and passed, which is a failure.
    case unexpectedlyPassed
    /// The host was unfit, which says nothing about what was tested.
    case environment

    /// Why something did not run.
    public enum Skip: String, Sendable, Codable, CaseIterable {
        /// What it needs is not there: a tool in the guest, or what a phase before it was to make.
        case missing
        /// It was left out on purpose: the network lacks what it is about, or nobody asked for it.
        case byDesign
        /// It has been done before on this lab.
        case covered
    }

    /// Whether a run with it has failed.
    public var isFailure: Bool {
        switch self {
        case .failed, .unexpectedlyPassed, .environment: true
        case .passed, .flaky, .skipped, .expectedFailure: false
        }
    }

    /// The exit code of a process that came to it: 0, 1 or 3.
    public var exitCode: Int32 { self == .environment ? 3 : isFailure ? 1 : 0 }

    /// The verdict for people, such as `expected failure`.
    public var words: String {
        switch self {
        case .expectedFailure: "expected failure"
        case .unexpectedlyPassed: "unexpectedly passed"
        default: rawValue
        }
    }
}

extension Verdict.Skip {
    /// The reason for people, such as `by design`.
    public var words: String { self == .byDesign ? "by design" : rawValue }
}
