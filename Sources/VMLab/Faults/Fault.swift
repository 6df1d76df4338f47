public import LabEvents
public import NetworkProfiles
public import VDE

/// Something in the network or about a node that is broken on purpose, until it is healed.
///
/// Network cards are called `NODE.CARD`, such as `server-1.eth1`; `NODE.BOND` means all legs of a bond.
public enum Fault: Sendable, Hashable, Codable {
    /// Cards lose their carrier, as if the cable were pulled.
    case cut(cards: [String])
    /// Groups of nodes no longer hear each other: frames from the nodes of other groups are dropped. Nobody loses a carrier.
    case partition(groups: [[String]])
    /// Nodes hear nobody and are not heard. No carrier is lost.
    case isolate(nodes: [String])
    /// Frames of cables are lost, delayed and so on: those that nodes send (or the first end of a trunk), those that they receive, or both.
    case impair(cables: [String], direction: LinkDirection?, with: Impairments)
    /// A card loses its carrier and gets it back, again and again; seconds without and with it.
    case flap(card: String, down: Double, up: Double)
    /// The switch of a segment is killed. Cards that are plugged straight into it do not find its successor, so each needs a cable.
    case switchCrash(segment: String)
    /// The switch of a segment stands still: nothing passes, and no carrier is lost.
    case switchFreeze(segment: String)
    /// The switch port of a card carries something else than planned.
    case wrongVLAN(card: String, carries: PortVLANs)
    /// A node has the address of another: `address` without a length, on the interface where the node is in the same network.
    case duplicateAddress(address: String, at: String)
    /// The DHCP server of a service node does not run.
    case dhcpServerGone(node: String)
    /// A second DHCP server answers in an IP network, with addresses that nobody planned.
    case rogueDHCPServer(network: String)
    /// Something about a node; see ``NodeFault``.
    case node(String, NodeFault)
}

extension Fault {
    /// Cards lose their carrier; see ``cut(cards:)``.
    public static func cut(_ cards: String...) -> Fault { .cut(cards: cards) }

    /// Groups of nodes no longer hear each other; see ``partition(groups:)``.
    public static func partition(_ groups: [String]...) -> Fault { .partition(groups: groups) }

    /// Nodes hear nobody and are not heard; see ``isolate(nodes:)``.
    public static func isolate(_ nodes: String...) -> Fault { .isolate(nodes: nodes) }

    /// Something is done to the frames of cables; see ``impair(cables:direction:with:)``.
    public static func impair(_ cables: String..., direction: LinkDirection? = nil, with impairments: Impairments) -> Fault {
        .impair(cables: cables, direction: direction, with: impairments)
    }
}

extension Fault {
    /// Whether a switch cannot be spoken to while it lasts.
    var stopsSwitch: Bool {
        switch self {
        case .switchCrash, .switchFreeze: true
        default: false
        }
    }
}

extension Fault: CustomStringConvertible {
    /// In a few words, such as `cut server-1.eth1`.
    public var description: String {
        switch self {
        case .cut(let cards): "cut \(cards.joined(separator: " "))"
        case .partition(let groups): "partition \(groups.map { $0.joined(separator: ",") }.joined(separator: " | "))"
        case .isolate(let nodes): "isolate \(nodes.joined(separator: " "))"
        case .impair(let cables, let direction, let impairments):
            "impair \(cables.joined(separator: " "))\(direction.map { " (\($0))" } ?? ""): \(impairments)"
        case .flap(let card, let down, let up): "flap \(card) (\(down) s down, \(up) s up)"
        case .switchCrash(let segment): "crash of switch \(segment)"
        case .switchFreeze(let segment): "freeze of switch \(segment)"
        case .wrongVLAN(let card, let vlans): "port of \(card) carries \(vlans)"
        case .duplicateAddress(let address, let node): "\(node) has \(address) too"
        case .rogueDHCPServer(let network): "rogue DHCP server in \(network)"
        case .dhcpServerGone(let node): "no DHCP server on \(node)"
        case .node(let node, let fault): "\(node): \(fault)"
        }
    }
}

/// A fault that was injected and has not been healed.
public struct OpenFault: Sendable, Codable, Equatable {
    /// Its number in the run, from 1.
    public var id: Int
    /// What is broken.
    public var fault: Fault
    /// What showed that it took effect.
    public var proof: String
}

/// One line of the ledger `network/faults.jsonl`, and the payload of an event. A fault is recorded before anything is done, so that whoever comes after a
/// crash knows what to look for.
public struct FaultRecord: Sendable, Codable, Equatable {
    /// Its number in the run, from 1.
    public var id: Int
    /// What is broken.
    public var fault: Fault
    /// How far it has come.
    public var state: LabEvent.FaultState
    /// What showed it, or what went wrong.
    public var detail: String?
}
