public import LabEvents
public final class TerminalRecorder: EventRecorder {
    public enum Mode: Sendable { case plain, live }
    public enum Verbosity: Sendable { case normal, verbose }
    public init(mode: Mode, verbosity: Verbosity, size: @escaping @Sendable () -> (columns: Int, rows: Int), write: @escaping @Sendable (String) -> Void) {}
    public func record(_ event: LabEvent) {}
    public func say(_ text: String) {}
    public func tick() {}
    public func finish() {}
}
public final class ResultRecorder: EventRecorder {
    public init(run: String, scenario: String) {}
    public func record(_ event: LabEvent) {}
    public func json() -> [UInt8] { [] }
}
