import LabEvents
public import NetworkProfiles
import VMLab

/// The network that a scenario needs.
public struct NetworkNeed: Sendable {
    private enum Need: Sendable {
        case any(otherwise: [String])
        case anyProfile(otherwise: NetworkProfile)
        case named(String)
        case anyNamed(otherwise: String)
        case own(NetworkProfile)
    }

    private let need: Need

    /// That of `--profile`; without it one flat switch with nodes `n1`, `n2` and on.
    public static let any = NetworkNeed(need: .any(otherwise: []))
    /// That of `--profile`; without it one flat switch with nodes of these names.
    public static func any(otherwise names: String...) -> NetworkNeed { NetworkNeed(need: .any(otherwise: names)) }
    /// That of `--profile`; without it this.
    public static func any(otherwise profile: NetworkProfile) -> NetworkNeed { NetworkNeed(need: .anyProfile(otherwise: profile)) }
    /// That of `--profile`; without it the profile of this name.
    public static func any(otherwiseProfile name: String) -> NetworkNeed { NetworkNeed(need: .anyNamed(otherwise: name)) }
    /// The profile of this name or file, and no other.
    public static func profile(_ name: String) -> NetworkNeed { NetworkNeed(need: .named(name)) }
    /// This, and no other.
    public static func own(_ profile: NetworkProfile) -> NetworkNeed { NetworkNeed(need: .own(profile)) }

    func profile(scenario: String, _ wishes: Scenario.Wishes, count: Int) throws(Problem) -> NetworkProfile {
        switch need {
        case .any(let names):
            if let wanted = try wishes.network() { return wanted }
            return .flat(nodes: names.isEmpty ? (1...count).map { "n\($0)" } : names, network: try Self.flatPrefix())
        case .anyProfile(let own): return try wishes.network() ?? own
        case .anyNamed(let name):
            if let wanted = try wishes.network() { return wanted }
            return try Self.profile(named: name)
        case .named(let name):
            if let other = wishes.profile, other != name { throw Self.refusal(scenario, other, "it is about the profile '\(name)'") }
            return try Self.profile(named: name)
        case .own(let own):
            if let other = wishes.profile { throw Self.refusal(scenario, other, "it brings the network '\(own.name)' with it") }
            return own
        }
    }

    private static func profile(named name: String) throws(Problem) -> NetworkProfile {
        guard let profile = try Scenario.Wishes(profile: name).network() else { throw Problem(.failure, "no profile '\(name)'") }
        return profile
    }

    private static func refusal(_ scenario: String, _ profile: String, _ why: String) -> Problem {
        Problem(.invalidInput, "the scenario '\(scenario)' cannot have --profile \(profile)", why: why, remedy: "leave --profile out")
    }

    private static func flatPrefix() throws(Problem) -> IPPrefix {
        guard let prefix = IPPrefix("192.168.1.0/24") else { throw Problem(.failure, "192.168.1.0/24 is no network") }
        return prefix
    }
}
