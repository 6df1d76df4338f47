import Foundation
import LabEvents
import Testing

@testable import QEMU

@Suite(.tags(.unit)) struct ConfigurationTests {
    struct Golden: CustomTestStringConvertible {
        var name: String
        var configuration: QEMUConfiguration
        var arguments: String
        var testDescription: String { name }
    }

    @Test(arguments: goldens) func `arguments are exactly these`(_ golden: Golden) {
        #expect(Self.lines(golden.configuration.arguments) == golden.arguments)
    }

    @Test(arguments: goldens) func `a configuration survives JSON`(_ golden: Golden) throws {
        let data = try JSONEncoder().encode(golden.configuration)
        #expect(try JSONDecoder().decode(QEMUConfiguration.self, from: data) == golden.configuration)
    }

    /// One option a line, as a person reads it.
    static func lines(_ arguments: [String]) -> String {
        arguments.reduce(into: "") { text, argument in
            text += argument.hasPrefix("-") ? (text.isEmpty ? "" : "\n") + argument : " " + argument
        }
    }

    @Test func `adding a disk or a channel moves no interface`() {
        let plain = sample(interfaces: 2)
        var more = plain
        more.disks.append(Disk(path: "/d"))
        more.channels.append(GuestChannel(kind: .port, name: "p", socketPath: "/p"))
        func interfaces(_ configuration: QEMUConfiguration) -> [String] {
            configuration.arguments.filter { $0.hasPrefix("virtio-net-pci") }
        }
        #expect(interfaces(plain) == interfaces(more))
        #expect(interfaces(plain).count == 2)
    }

    @Test func `consoles come first and port 0 is a console's`() {
        func channel(_ kind: GuestChannel.Kind, _ name: String) -> GuestChannel {
            GuestChannel(kind: kind, name: name, socketPath: "/s/\(name)")
        }
        let mixed = ChannelPlace.assign([channel(.port, "a"), channel(.console, "x"), channel(.port, "b"), channel(.console, "y")])
        #expect(mixed.map(\.channel.name) == ["x", "y", "a", "b"])
        #expect(mixed.map(\.number) == [0, 1, 2, 3])
        #expect(ChannelPlace.assign([channel(.port, "a")]).map(\.number) == [1])
        let many = ChannelPlace.assign((0..<40).map { channel(.port, "p\($0)") })
        #expect(many.map { $0.bus * 100 + $0.number } == Array(1...30) + Array(101...110))
        let consoles = ChannelPlace.assign((0..<32).map { channel(.console, "c\($0)") })
        #expect(consoles.last.map { [$0.bus, $0.number] } == [1, 0])
    }

    @Test func `addresses and UUIDs are the same in every run`() throws {
        let address = MACAddress(lab: "lab", node: "a", interface: "eth0")
        #expect(address == MACAddress(lab: "lab", node: "a", interface: "eth0"))
        #expect(address.description.hasPrefix("52:54:00:"))
        #expect(address != MACAddress(lab: "lab", node: "ae", interface: "th0"))
        #expect(MACAddress(address.description) == address)
        for text in ["", "52:54:00:00:00", "52:54:00:00:00:0g", "5:254:00:00:00:00", "52:54:00:00:00:00:"] { #expect(MACAddress(text) == nil) }
        let uuid = QEMUConfiguration.uuid(lab: "lab", node: "a")
        #expect(uuid == QEMUConfiguration.uuid(lab: "lab", node: "a"))
        #expect(uuid != QEMUConfiguration.uuid(lab: "lab", node: "b"))
    }

    struct Refusal: Sendable {
        var sign: String
        var change: @Sendable (inout QEMUConfiguration) -> Void
    }

    @Test(arguments: [
        Refusal(sign: "socket path is too long") { $0.monitorSocket = "/" + String(repeating: "x", count: 107) },
        Refusal(sign: "socket path is too long") {
            $0.channels = [GuestChannel(kind: .port, name: "p", socketPath: String(repeating: "ä", count: 54))]
        },
        Refusal(sign: "socket path is too long") { $0.serial.socketPrefix = "/" + String(repeating: "x", count: 100) },
        Refusal(sign: "guest name 'a b'") { $0.name = "a b" },
        Refusal(sign: "guest name ''") { $0.name = "" },
        Refusal(sign: "channel name 'a,b'") { $0.channels = [GuestChannel(kind: .port, name: "a,b", socketPath: "/p")] },
        Refusal(sign: "two channels") {
            $0.channels = [
                GuestChannel(kind: .port, name: "p", socketPath: "/p"), GuestChannel(kind: .console, name: "p", socketPath: "/q"),
            ]
        },
        Refusal(sign: "processor") { $0.processors = 0 },
        Refusal(sign: "memory") { $0.memory.mebibytes = 0 },
        Refusal(sign: "too many disks") { $0.disks = Array(repeating: Disk(path: "/d"), count: 9) },
        Refusal(sign: "too many network interfaces") { $0 = sample(interfaces: 17) },
        Refusal(sign: "serial of more than 20") { $0.disks = [Disk(path: "/d", serial: "123456789012345678901")] },
    ]) func `what QEMU would refuse is refused with a reason`(_ refusal: Refusal) {
        var configuration = sample()
        refusal.change(&configuration)
        let problem = #expect(throws: Problem.self) { try configuration.validate() }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.description.contains(refusal.sign) == true)
    }

    @Test func `a path of 107 bytes is accepted`() throws {
        var configuration = sample()
        configuration.monitorSocket = "/" + String(repeating: "x", count: 106)
        try configuration.validate()
    }
}

func sample(interfaces: Int = 0) -> QEMUConfiguration {
    QEMUConfiguration(
        name: "node-a", uuid: UUID(uuidString: "00000000-0000-8000-8000-000000000001") ?? UUID(),
        generation: UUID(uuidString: "00000000-0000-8000-8000-000000000002") ?? UUID(), accelerator: .tcg,
        memory: .init(mebibytes: 256, path: "/dev/shm/ram"),
        networkInterfaces: (0..<interfaces).map {
            NetworkInterface(address: MACAddress(lab: "lab", node: "a", interface: "eth\($0)"), backend: .user)
        },
        serial: SerialConsole(socketPrefix: "/run/v/ttyS0", logPrefix: "/run/n/serial"), monitorSocket: "/run/v/qmp.sock")
}

private var full: QEMUConfiguration {
    var configuration = sample(interfaces: 1)
    configuration.accelerator = .kvm
    configuration.processors = 2
    configuration.firmware = .uefi(code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/run/n/vars.fd")
    configuration.disks = [
        Disk(path: "/run/n/a,b.qcow2", serial: "root", bootIndex: 0),
        Disk(path: "/img/data.raw", format: .raw, isReadOnly: true, ignoresFlushes: true),
    ]
    configuration.networkInterfaces += [
        NetworkInterface(
            address: MACAddress(lab: "lab", node: "a", interface: "eth1"), backend: .vde(socket: "/run/v/sw", port: 3),
            link: .init(megabits: 1000)),
        NetworkInterface(
            address: MACAddress(lab: "lab", node: "a", interface: "eth2"), backend: .datagram(local: "/run/v/l", remote: "/run/v/r")),
    ]
    configuration.channels = [
        GuestChannel(kind: .port, name: "shell.0", socketPath: "/run/v/s0"), GuestChannel(kind: .console, name: "hvc0", socketPath: "/run/v/h0"),
    ]
    configuration.onPanic = .none
    return configuration
}

private var direct: QEMUConfiguration {
    var configuration = sample()
    configuration.machine = "pc-q35-7.2"
    configuration.kernel = DirectKernel(kernel: "/img/vmlinuz", initrd: "/img/initrd", commandLine: "console=ttyS0 root=/dev/vda,x")
    return configuration
}

private let goldens = [
    ConfigurationTests.Golden(name: "bare", configuration: sample(interfaces: 1), arguments: """
GOLDEN1
"""),
    ConfigurationTests.Golden(name: "full", configuration: full, arguments: """
GOLDEN2
"""),
    ConfigurationTests.Golden(name: "direct", configuration: direct, arguments: """
GOLDEN3
"""),
]
