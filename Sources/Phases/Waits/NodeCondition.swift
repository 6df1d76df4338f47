/// What can be asked of a guest; ``VMLab/Node/condition(_:)`` makes a ``Condition`` of it.
public enum NodeCondition: Sendable, Equatable {
    /// A command ends with status 0. That it was not found (127) or cannot be run (126) counts as could-not-ask.
    case succeeds(String)
    /// A command ends with another status.
    case fails(String)
    /// A systemd unit is active.
    case unit(String)
    /// Something in the guest listens on a TCP port.
    case openPort(Int)
    /// Nothing in the guest listens on a TCP port.
    case closedPort(Int)
    /// The guest can make a TCP connection to a host and port.
    case tcp(String, Int)
    /// The guest gets an answer from an `http` or `https` URL: with this status (any when nil), and this text in it. Redirections are not followed, and the
    /// certificate is not checked.
    case http(String, status: Int? = 200, body: String? = nil)
    /// A file, folder or device is there.
    case file(String)
    /// The serial console of the present boot has a line that matches a regular expression.
    case console(String)
    /// The journal of the present boot has a message that matches a regular expression, of one unit where it is given.
    case journal(String, unit: String? = nil)
}
