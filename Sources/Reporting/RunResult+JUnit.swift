import LabEvents

extension RunResult {
    /// The run as JUnit XML, the form that CI systems read: one suite, and a case for each phase without phases in it.
    ///
    /// A phase that is optional or was meant to fail is one case with all that is in it, because only the whole of it has a verdict that counts. A run that
    /// failed outside of its phases has a case `run`.
    public func junit() -> String {
        var cases = phases.filter(isCase).map(Case.init)
        if let outcome, outcome != .passed, !cases.contains(where: \.isBad) { cases.append(end(outcome)) }
        let counts =
            #"tests="\#(cases.count)" failures="\#(cases.count { $0.mark == .failure })" errors="\#(cases.count { $0.mark == .error })""#
            + #" skipped="\#(cases.count { $0.mark == .skipped })" time="\#(Self.number(seconds ?? 0))""#
        let started = startedAt.map { #" timestamp="\#(String($0.prefix(19)))""# } ?? ""
        let properties: [(String, String?)] = [
            ("run", run), ("seed", seed.map { "\($0)" }), ("accelerator", accelerator), ("profile", profile),
        ]
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#,
            #"<testsuites name="\#(Self.quoted(scenario))" \#(counts)>"#,
            #"  <testsuite name="\#(Self.quoted(scenario))" \#(counts)\#(started)>"#,
            "    <properties>",
        ]
        for case (let name, let value?) in properties { lines.append(#"      <property name="\#(name)" value="\#(Self.quoted(value))"/>"#) }
        lines.append("    </properties>")
        for entry in cases { lines += entry.lines(suite: scenario) }
        return (lines + ["  </testsuite>", "</testsuites>"]).joined(separator: "\n") + "\n"
    }

    private func isCase(_ phase: Phase) -> Bool {
        let parents = phases.filter { phase.phase.hasPrefix($0.phase + "/") }
        if parents.contains(where: Self.standsForItsParts) { return false }
        return Self.standsForItsParts(phase) || !phases.contains { $0.phase.hasPrefix(phase.phase + "/") }
    }

    /// Whether a phase's own verdict says more than those of its parts.
    private static func standsForItsParts(_ phase: Phase) -> Bool {
        phase.optional == true || phase.verdict == .expectedFailure || phase.verdict == .unexpectedlyPassed
    }

    private func end(_ outcome: LabEvent.Outcome) -> Case {
        let problem = problems.first
        return Case(
            name: "run", seconds: seconds ?? 0, mark: outcome == .failed ? .failure : .error, type: outcome.rawValue,
            message: cause ?? problem?.what ?? outcome.rawValue, text: problem?.description)
    }

    /// One case of the suite.
    fileprivate struct Case {
        enum Mark: String { case failure, error, skipped }

        var name: String
        var seconds: Double
        var source = ""
        var mark: Mark?
        var type: String?
        var message = ""
        var text: String?
        /// What is said of a case that counts as passed.
        var remark: String?

        var isBad: Bool { mark == .failure || mark == .error }
    }

    /// Seconds with three decimals.
    fileprivate static func number(_ value: Double) -> String {
        let thousandths = value.isFinite ? Int(min(max(value, 0), 1e12) * 1000 + 0.5) : 0
        return "\(thousandths / 1000)." + String("\(1000 + thousandths % 1000)".dropFirst())
    }

    /// Text as XML 1.0 may have it in an attribute or element; what it may not have at all becomes `U+FFFD`.
    fileprivate static func quoted(_ text: String, inElement: Bool = false) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += inElement ? "\n" : "&#10;"
            case "\t": result += inElement ? "\t" : "&#9;"
            default:
                let isAllowed = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
                result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
            }
        }
        return result
    }
}

extension RunResult.Case {
    init(_ phase: RunResult.Phase) {
        self.init(name: phase.phase + (phase.attempt.map { " #\($0)" } ?? ""), seconds: phase.seconds ?? 0)
        if let file = phase.file { source = #" file="\#(RunResult.quoted(file))""# + (phase.line.map { #" line="\#($0)""# } ?? "") }
        let what = phase.problem?.what ?? phase.reason ?? ""
        switch (phase.state, phase.verdict) {
        case (.skipped, _): (mark, message) = (.skipped, [phase.skip?.words, phase.reason].compactMap(\.self).joined(separator: ": "))
        case (.failed, _) where phase.optional == true: (mark, message) = (.skipped, "optional, failed: \(what)")
        case (.failed, .environment): (mark, type, message, text) = (.error, "environment", what, phase.problem?.description)
        case (.failed, let verdict):
            (mark, type, message, text) = (.failure, (verdict ?? .failed).rawValue, what, phase.problem?.description)
        case (.passed, .expectedFailure): remark = "failed as expected: \(what)" + (phase.reason.map { "\nbecause: \($0)" } ?? "")
        case (.passed, _): remark = phase.detail
        default: (mark, type, message) = (.error, "interrupted", "the run ended before it")
        }
    }

    func lines(suite: String) -> [String] {
        func quoted(_ text: String) -> String { RunResult.quoted(text) }
        let head =
            #"    <testcase classname="\#(quoted(suite))" name="\#(quoted(name))" time="\#(RunResult.number(seconds))"\#(source)"#
        if let mark {
            let type = type.map { #" type="\#($0)""# } ?? ""
            let body = text.map { ">\(RunResult.quoted($0, inElement: true))</\(mark.rawValue)>" } ?? "/>"
            return [head + ">", #"      <\#(mark.rawValue)\#(type) message="\#(quoted(message))"\#(body)"#, "    </testcase>"]
        }
        guard let remark else { return [head + "/>"] }
        return [head + ">", "      <system-out>\(RunResult.quoted(remark, inElement: true))</system-out>", "    </testcase>"]
    }
}
