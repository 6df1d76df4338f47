import Testing

extension Tag {
    @Tag static var unit: Self
    @Tag static var contract: Self
    @Tag static var guest: Self
    @Tag static var cluster: Self
}
