import NetworkProfiles
import Testing

@Suite("Addresses with a prefix length", .tier(.unit))
struct IPPrefixTests {
    @Test("Text forms", arguments: ["192.168.1.0/24", "0.0.0.0/0", "10.0.0.1/32", "fd00::/64", "fd00::1/128", "::/0"])
    func text(_ text: String) { #expect(IPPrefix(text)?.description == text) }

    @Test(
        "What is no address",
        arguments: [
            "", "192.168.1.0", "192.168.1/24", "192.168.1.0/33", "fd00::/129", "1.2.3.4/+4", "1.2.3.4/", "x/8", "1.2.3.4/24/5",
            "1.2.3.256/8",
        ])
    func refused(_ text: String) { #expect(IPPrefix(text) == nil) }

    @Test("Hosts of a network")
    func hosts() throws {
        let small = try #require(IPPrefix("192.168.1.0/24"))
        #expect(small.host(1)?.description == "192.168.1.1/24")
        #expect(small.host(254)?.description == "192.168.1.254/24")
        #expect(small.host(255) == nil)
        #expect(small.host(0) == nil)
        #expect(IPPrefix("10.0.0.0/16")?.host(300)?.description == "10.0.1.44/16")
        #expect(IPPrefix("fd00:1::/64")?.host(300)?.description == "fd00:1::12c/64")
    }

    @Test("Networks that share addresses")
    func overlap() throws {
        let wide = try #require(IPPrefix("10.0.0.0/8"))
        let narrow = try #require(IPPrefix("10.1.2.0/24"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
        #expect(try !narrow.overlaps(#require(IPPrefix("10.1.3.0/24"))))
        #expect(try !wide.overlaps(#require(IPPrefix("::/0"))))
    }
}
