import Testing

extension Tag {
    /// Pure values, no effects but files in a temporary folder.
    @Tag static var unit: Self
    /// The tools of the host as they really are.
    @Tag static var contract: Self
    /// A real guest.
    @Tag static var guest: Self
    /// Several guests.
    @Tag static var cluster: Self
}
