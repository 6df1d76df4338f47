public import LabEvents

/// Which phases are to run, and where the run is to wait for somebody.
public struct PhaseRequest: Sendable, Codable, Equatable {
    /// The first phase that runs; what comes before it has been done on this lab.
    public var from: String?
    /// The last phase that runs.
    public var until: String?
    /// The only phase that runs.
    public var only: String?
    /// The run waits before this phase.
    public var pauseBefore: String?
    /// The run waits when a phase has failed, with the lab as it is then.
    public var pauseOnFailure = false
    /// What is captured meanwhile: cards, bonds, segments, trunks, nodes; nil for nothing.
    public var capture: [String]?
    /// The phase during which that is captured; nil for all of it.
    public var captureDuring: String?
    /// Whether somebody sits there for whom a breakpoint should stop.
    public var isAttached = false

    /// A request for everything; fields are set one by one.
    public init(from: String? = nil, until: String? = nil, only: String? = nil, pauseBefore: String? = nil) {
        (self.from, self.until, self.only, self.pauseBefore) = (from, until, only, pauseBefore)
    }

    /// The same with the paths of the phases in the place of the words that a user gave.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` for an unknown phase, or phases that exclude each other.
    public func resolved(in outline: [PhaseOutline]) throws(Problem) -> PhaseRequest {
        var resolved = self
        if let from { resolved.from = try outline.phase(from).path }
        if let until { resolved.until = try outline.phase(until).path }
        if let only { resolved.only = try outline.phase(only).path }
        if let pauseBefore { resolved.pauseBefore = try outline.phase(pauseBefore).path }
        if let captureDuring { resolved.captureDuring = try outline.phase(captureDuring).path }
        if only != nil, from != nil || until != nil {
            throw Problem(
                .invalidInput, "a phase that runs alone excludes a first and a last one", remedy: "leave --only or the others out")
        }
        let choice = PhaseSelection(resolved, outline)
        if choice.isEmpty {
            throw Problem(.invalidInput, "no phase is left to run", why: "'\(until ?? "")' comes before '\(from ?? "")'")
        }
        if let during = resolved.captureDuring, choice.reason(against: during) != nil {
            throw Problem(.invalidInput, "nothing would be captured", why: "'\(during)' is not among the phases that run")
        }
        return resolved
    }
}

/// Which phases of an outline a request means.
struct PhaseSelection: Sendable {
    /// Why a phase without phases in it is left out, by its path.
    private var left: [String: (skip: Verdict.Skip, reason: String)] = [:]
    private let outline: [PhaseOutline]

    init(_ request: PhaseRequest, _ outline: [PhaseOutline]) {
        self.outline = outline
        func isIn(_ leaf: PhaseOutline, _ path: String) -> Bool { leaf.path == path || leaf.path.hasPrefix(path + "/") }
        let leaves = outline.leaves
        let first = request.from.flatMap { from in leaves.firstIndex { isIn($0, from) } }
        let last = request.until.flatMap { until in leaves.lastIndex { isIn($0, until) } }
        for (index, leaf) in leaves.enumerated() {
            if let only = request.only {
                if !isIn(leaf, only) { left[leaf.path] = (.byDesign, "only '\(only)' was asked for") }
            } else if leaf.isAlways {
                continue
            } else if let first, index < first {
                left[leaf.path] = (.covered, "it comes before '\(request.from ?? "")'")
            } else if let last, index > last {
                left[leaf.path] = (.byDesign, "it comes after '\(request.until ?? "")'")
            }
        }
    }

    /// Whether nothing is left to run.
    var isEmpty: Bool { !outline.isEmpty && outline.leaves.allSatisfy { left[$0.path] != nil } }

    /// Why a phase is left out; nil when it runs, or one in it does.
    func reason(against path: String) -> (skip: Verdict.Skip, reason: String)? {
        if let reason = left[path] { return reason }
        let parts = outline.leaves.filter { $0.path.hasPrefix(path + "/") }.map { left[$0.path] }
        guard let first = parts.first, !parts.contains(where: { $0 == nil }) else { return nil }
        return first
    }
}
