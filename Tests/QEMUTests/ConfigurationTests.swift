import Foundation
import LabEvents
import Testing

@testable import QEMU

@Suite(.tier(.unit)) struct ConfigurationTests {
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
        #expect(many.map { $0.bus * 100 + $0.number } == Array(1...11) + Array(101...111) + Array(201...211) + Array(301...307))
        let consoles = ChannelPlace.assign((0..<32).map { channel(.console, "c\($0)") })
        #expect(consoles.last.map { [$0.bus, $0.number] } == [2, 7])
    }

    @Test func `addresses and UUIDs are the same in every run`() throws {
        let address = MACAddress(lab: "lab", node: "a", interface: "eth0")
        #expect(address == MACAddress(lab: "lab", node: "a", interface: "eth0"))
        #expect(address.description.hasPrefix("52:54:00:"))
        #expect(address != MACAddress(lab: "lab", node: "ae", interface: "th0"))
        #expect(MACAddress(address.description) == address)
        for text in ["", "52:54:00:00:00", "52:54:00:00:00:0g", "5:254:00:00:00:00", "52:54:00:00:00:00:"] {
            #expect(MACAddress(text) == nil)
        }
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
        Refusal(sign: "too many network interfaces") { $0.networkInterfaces = sample(interfaces: 17).networkInterfaces },
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
        GuestChannel(kind: .port, name: "shell.0", socketPath: "/run/v/s0"),
        GuestChannel(kind: .console, name: "hvc0", socketPath: "/run/v/h0"),
    ]
    configuration.onPanic = .none
    return configuration
}

private var direct: QEMUConfiguration {
    var configuration = sample()
    configuration.machine = "pc-q35-7.2"
    configuration.disks = [Disk(path: "/run/n/root.qcow2", bootIndex: 0)]
    configuration.kernel = DirectKernel(kernel: "/img/vmlinuz", initrd: "/img/initrd", commandLine: "console=ttyS0 root=/dev/vda,x")
    return configuration
}

private let goldens = [
    ConfigurationTests.Golden(
        name: "bare", configuration: sample(interfaces: 1),
        arguments: """
            -nodefaults
            -no-user-config
            -display none
            -name guest=node-a,debug-threads=on
            -uuid 00000000-0000-8000-8000-000000000001
            -accel tcg,thread=multi
            -cpu max
            -smp 1
            -m 256M
            -object memory-backend-file,id=ram,size=256M,share=on,mem-path=/dev/shm/ram
            -machine q35,memory-backend=ram,vmport=off
            -rtc base=utc
            -device vmgenid,id=vmgenid,guid=00000000-0000-8000-8000-000000000002
            -device pvpanic,id=pvpanic
            -object rng-random,id=entropy,filename=/dev/urandom
            -device virtio-rng-pci,id=rng,rng=entropy,addr=0x1
            -netdev user,id=net0,restrict=on
            -device virtio-net-pci,id=nic0,netdev=net0,mac=52:54:00:03:36:c6,addr=0x2,romfile=
            -chardev socket,id=serial0,path=/run/v/ttyS0-1.sock,server=on,wait=off,logfile=/run/n/serial-1.log,logappend=on
            -device isa-serial,id=ttyS0,chardev=serial0
            -chardev socket,id=qmp,path=/run/v/qmp.sock,server=on,wait=off
            -mon chardev=qmp,mode=control
            -S
            -boot strict=on
            -action panic=pause,reboot=reset,shutdown=poweroff
            -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
            """),
    ConfigurationTests.Golden(
        name: "full", configuration: full,
        arguments: """
            -nodefaults
            -no-user-config
            -display none
            -name guest=node-a,debug-threads=on
            -uuid 00000000-0000-8000-8000-000000000001
            -accel kvm
            -cpu host
            -smp 2
            -m 256M
            -object memory-backend-file,id=ram,size=256M,share=on,mem-path=/dev/shm/ram
            -machine q35,memory-backend=ram,vmport=off,pflash0=firmware-code,pflash1=firmware-variables
            -rtc base=utc
            -device vmgenid,id=vmgenid,guid=00000000-0000-8000-8000-000000000002
            -device pvpanic,id=pvpanic
            -object rng-random,id=entropy,filename=/dev/urandom
            -device virtio-rng-pci,id=rng,rng=entropy,addr=0x1
            -blockdev driver=raw,node-name=firmware-code,read-only=on,file.driver=file,file.filename=/usr/share/OVMF/OVMF_CODE_4M.fd
            -blockdev driver=raw,node-name=firmware-variables,read-only=off,file.driver=file,file.filename=/run/n/vars.fd
            -blockdev driver=file,node-name=disk0-file,filename=/run/n/a,,b.qcow2,read-only=off,auto-read-only=off,discard=unmap
            -blockdev driver=qcow2,node-name=disk0,file=disk0-file,read-only=off,discard=unmap
            -device virtio-blk-pci,id=vd0,drive=disk0,addr=0x12,serial=root,bootindex=0
            -blockdev driver=file,node-name=disk1-file,filename=/img/data.raw,read-only=on,auto-read-only=off,discard=unmap,cache.no-flush=on
            -blockdev driver=raw,node-name=disk1,file=disk1-file,read-only=on,discard=unmap,cache.no-flush=on
            -device virtio-blk-pci,id=vd1,drive=disk1,addr=0x13
            -netdev user,id=net0,restrict=on
            -device virtio-net-pci,id=nic0,netdev=net0,mac=52:54:00:03:36:c6,addr=0x2,romfile=
            -netdev vde,id=net1,sock=/run/v/sw,port=3
            -device virtio-net-pci,id=nic1,netdev=net1,mac=52:54:00:19:c8:3f,addr=0x3,romfile=,speed=1000,duplex=full
            -netdev dgram,id=net2,local.type=unix,local.path=/run/v/l,remote.type=unix,remote.path=/run/v/r
            -device virtio-net-pci,id=nic2,netdev=net2,mac=52:54:00:9c:f8:48,addr=0x4,romfile=
            -chardev socket,id=serial0,path=/run/v/ttyS0-1.sock,server=on,wait=off,logfile=/run/n/serial-1.log,logappend=on
            -device isa-serial,id=ttyS0,chardev=serial0
            -device virtio-serial-pci,id=serial-bus0,addr=0x1a,max_ports=12
            -chardev socket,id=chardev-hvc0,path=/run/v/h0,server=on,wait=off
            -device virtconsole,id=channel-hvc0,bus=serial-bus0.0,nr=0,chardev=chardev-hvc0
            -chardev socket,id=chardev-shell.0,path=/run/v/s0,server=on,wait=off
            -device virtserialport,id=channel-shell.0,bus=serial-bus0.0,nr=1,chardev=chardev-shell.0,name=shell.0
            -chardev socket,id=qmp,path=/run/v/qmp.sock,server=on,wait=off
            -mon chardev=qmp,mode=control
            -S
            -boot strict=on
            -action panic=none,reboot=reset,shutdown=poweroff
            -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
            """),
    ConfigurationTests.Golden(
        name: "direct", configuration: direct,
        arguments: """
            -nodefaults
            -no-user-config
            -display none
            -name guest=node-a,debug-threads=on
            -uuid 00000000-0000-8000-8000-000000000001
            -accel tcg,thread=multi
            -cpu max
            -smp 1
            -m 256M
            -object memory-backend-file,id=ram,size=256M,share=on,mem-path=/dev/shm/ram
            -machine pc-q35-7.2,memory-backend=ram,vmport=off
            -rtc base=utc
            -device vmgenid,id=vmgenid,guid=00000000-0000-8000-8000-000000000002
            -device pvpanic,id=pvpanic
            -object rng-random,id=entropy,filename=/dev/urandom
            -device virtio-rng-pci,id=rng,rng=entropy,addr=0x1
            -kernel /img/vmlinuz
            -initrd /img/initrd
            -append console=ttyS0 root=/dev/vda,x
            -blockdev driver=file,node-name=disk0-file,filename=/run/n/root.qcow2,read-only=off,auto-read-only=off,discard=unmap
            -blockdev driver=qcow2,node-name=disk0,file=disk0-file,read-only=off,discard=unmap
            -device virtio-blk-pci,id=vd0,drive=disk0,addr=0x12
            -chardev socket,id=serial0,path=/run/v/ttyS0-1.sock,server=on,wait=off,logfile=/run/n/serial-1.log,logappend=on
            -device isa-serial,id=ttyS0,chardev=serial0
            -chardev socket,id=qmp,path=/run/v/qmp.sock,server=on,wait=off
            -mon chardev=qmp,mode=control
            -S
            -boot strict=on
            -action panic=pause,reboot=reset,shutdown=poweroff
            -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
            """),
]
