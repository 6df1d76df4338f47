/// A text file for a guest.
public struct GuestFile: Sendable, Equatable, Codable {
    /// Its name, without folder.
    public var name: String
    /// Its content.
    public var content: String

    /// A file from its parts.
    public init(name: String, content: String) { (self.name, self.content) = (name, content) }
}
