import FoundationEssentials
import LabEvents
import Testing

/// An event of every kind with every field, and its line.
struct Sample: CustomTestStringConvertible {
    var kind: LabEvent.Kind
    var node: String?
    var severity = LabEvent.Severity.info
    /// What follows the time.
    var line: String
    var testDescription: String { kind.type }

    var event: LabEvent {
        LabEvent(sequence: 7, time: Date(timeIntervalSince1970: 1_795_236_120.123), severity: severity, node: node, kind: kind)
    }
    var json: String {
        #"{"v":1,"seq":7,"time":"2026-11-21T04:42:00.123Z","severity":"\#(severity.rawValue)","type":"\#(kind.type)""# + line
    }

    /// A change of a phase with every field.
    private static let phase = {
        var change = LabEvent.PhaseChange("a/b", .failed)
        (change.verdict, change.skip, change.reason, change.detail) = (.failed, .missing, "r", "d")
        (change.problem, change.seconds, change.attempt) = (Problem(.failure, "lost"), 1.5, 2)
        (change.optional, change.aside, change.file, change.line) = (true, true, "S.swift", 12)
        return change
    }()

    static let all = [
        Sample(
            kind: .runStarted(.init(run: "r-1", scenario: "two nodes", plan: "abc", nodes: ["a", "b"], owner: 42)),
            line: #","nodes":["a","b"],"owner":42,"plan":"abc","run":"r-1","scenario":"two nodes"}"#),
        Sample(kind: .lab(.init(state: .tearingDown, reason: "asked")), line: #","reason":"asked","state":"tearingDown"}"#),
        Sample(kind: .lab(.init(state: .booting)), line: #","state":"booting"}"#),
        Sample(
            kind: .image(.init(image: "mini", text: "80 %", isTransient: true)), line: #","image":"mini","isTransient":true,"text":"80 %"}"#
        ),
        Sample(
            kind: .decision(.init(subject: "vCPUs of a", value: "1", reason: "2 processors")),
            line: #","reason":"2 processors","subject":"vCPUs of a","value":"1"}"#),
        Sample(
            kind: .node(.init(state: .ready, boot: 2, detail: "d", seconds: 3.1)), node: "a",
            line: #","node":"a","boot":2,"detail":"d","seconds":3.1,"state":"ready"}"#),
        Sample(
            kind: .console(.init(boot: 1, line: "a \"quoted\" \\ /path \u{1B}[0m é")), node: "a", severity: .debug,
            line: #","node":"a","boot":1,"line":"a \"quoted\" \\ /path \u001b[0m é"}"#),
        Sample(kind: .machine(.init(name: "RESET", detail: "guest")), node: "a", line: #","node":"a","detail":"guest","name":"RESET"}"#),
        Sample(
            kind: .process(.init(role: "qemu", name: "a", pid: 99, end: "exit 0")),
            line: #","end":"exit 0","name":"a","pid":99,"role":"qemu"}"#),
        Sample(
            kind: .phase(phase), severity: .error,
            line:
                #","aside":true,"attempt":2,"detail":"d","file":"S.swift","line":12,"optional":true,"phase":"a/b","problem":{"kind":"failure","what":"lost"},"reason":"r","seconds":1.5,"skip":"missing","state":"failed","verdict":"failed"}"#
        ),
        Sample(
            kind: .fault(.init(id: 2, fault: "cut a.eth1", state: .injected, detail: "a.eth1: carrier 0")),
            line: #","detail":"a.eth1: carrier 0","fault":"cut a.eth1","id":2,"state":"injected"}"#),
        Sample(
            kind: .step(.init(step: "ping", state: .failed, seconds: 1.5, detail: "lost", file: "S.swift", line: 12)), severity: .error,
            line: #","detail":"lost","file":"S.swift","line":12,"seconds":1.5,"state":"failed","step":"ping"}"#),
        Sample(
            kind: .command(.init(command: "true", outcome: "exit 0", seconds: 0.25, output: "o")), node: "node \"x\"",
            line: #","node":"node \"x\"","command":"true","outcome":"exit 0","output":"o","seconds":0.25}"#),
        Sample(kind: .message(.init(text: "one\ntwo")), severity: .warning, line: #","text":"one\ntwo"}"#),
        Sample(
            kind: .problem(.init(.environment(.diskFull, "w", location: "/l", why: "y", remedy: "r"))), severity: .error,
            line: #","do":"r","key":"disk-full","kind":"environment","what":"w","where":"/l","why":"y"}"#),
        Sample(kind: .takeover(.init(build: "2", previous: "1")), line: #","build":"2","previous":"1"}"#),
        Sample(
            kind: .runFinished(.init(outcome: .failed, exitCode: 1, seconds: 12.5, cause: "c")),
            line: #","cause":"c","exitCode":1,"outcome":"failed","seconds":12.5}"#),
    ]
}
