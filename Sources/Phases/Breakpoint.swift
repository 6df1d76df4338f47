import LabEvents
import VMLab

/// Lets the run wait here when somebody sits at the terminal that started it, or said `--attach`; otherwise, as in CI, it does nothing.
///
/// - Parameter reason: what is to be looked at.
/// - Throws: when the run is ended or its lab taken over meanwhile; let it pass.
public func breakpoint(_ reason: String? = nil, file: String = #fileID, line: Int = #line) async throws {
    guard let place = PhaseRunner.Place.current, place.session.request.isAttached else { return }
    let position = "breakpoint in '\(place.path)' at \(file):\(line)"
    try await place.session.pause(at: place.path, because: reason.map { "\(position): \($0)" } ?? position, file: file, line: line)
}
