import BuildRegistry
import Foundation
import LabEvents
import QEMU
import Testing

@testable import VMLab

@Suite(.tier(.unit)) struct ImageFactsTests {
    @Test(arguments: [("mini", false), ("./mini", true), ("a.wic", true), ("a.qcow2", true), ("a.raw", true), ("a.img", true)])
    func `a word is a path when it looks like one`(word: String, isPath: Bool) {
        #expect(ImageFacts.isPath(word) == isPath)
    }

    @Test func `a foreign file is known by its path, size and time, and is not read`() async throws {
        var sector = [UInt8](repeating: 0x90, count: 440) + [UInt8](repeating: 0, count: 72)
        (sector[510], sector[511]) = (0x55, 0xAA)
        try await PlanFixtures.withTree([:]) { folder in
            let path = folder + "/p.wic"
            try Data(sector + [UInt8](repeating: 0, count: 1 << 20)).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: path)
            let facts = try await ImageFacts.resolve(path)
            #expect(facts.name == "p.wic")
            #expect(facts.key == "file:\(path):1049088:1000.0")
            #expect(facts.digest == nil)
            #expect(facts.file == path)
            #expect(facts.isCached)
            #expect(facts.bootModes == [.bios])
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 2000)], ofItemAtPath: path)
            #expect(try await ImageFacts.resolve(path).key != facts.key)
        }
    }

    @Test func `a file that is not there and a name that nobody has are refused`() async throws {
        try await PlanFixtures.withTree([:]) { folder in
            for word in ["\(folder)/none.wic", "none"] {
                let problem = await #expect(throws: Problem.self) {
                    try await ImageFacts.resolve(word, catalog: ImageCatalog(folders: [folder]), store: ImageStore(cache: folder))
                }
                #expect(problem?.kind == .invalidInput)
            }
        }
    }

    @Test func `a variant is what the registry has of it, and its plan names those files`() async throws {
        let yaml = """
            groups:
              - name: edge
                builder: import
                axes: {role: [server], machine: [vm], node: [a, b], boot: [direct], arch: [amd64]}
                outputs: {kernel: {patterns: [k], format: kernel, size: 1-1M}}
                guest: {commandLine: quiet, memoryMiB: 300, vcpus: 2, consoles: {backdoor: hvc0}}
            """
        try await PlanFixtures.withTree(["/variants.yaml": yaml]) { folder in
            let (catalog, store) = (ImageCatalog(folders: [folder]), ImageStore(cache: folder))
            let missing = await #expect(throws: Problem.self) {
                try await ImageFacts.resolve("server@node=a", catalog: catalog, store: store)
            }
            #expect(missing?.kind == .invalidInput)
            #expect(missing?.remedy == "vmlab image build --variant server@machine=vm,profile=none,node=a,boot=direct,arch=amd64")
            let many = await #expect(throws: Problem.self) { try await ImageFacts.resolve("server", catalog: catalog, store: store) }
            #expect(many?.remedy == "add what tells them apart: node")
            // An ELF header of x86-64.
            var kernel = [UInt8](repeating: 0, count: 64)
            kernel.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
            kernel[18] = 62
            try Data(kernel).write(to: URL(filePath: folder + "/k"))
            let variant = try VariantMatrix.standard(catalog: catalog).variant(named: "server@node=a")
            let image = try await ImageRegistry(cache: folder).register(
                ImageRegistration(variant: variant, files: ["kernel": folder + "/k"], provenance: Provenance(builder: "test"))
            ).image
            let facts = try await ImageFacts.resolve("server@node=a", catalog: catalog, store: store)
            #expect(facts.name == variant.id)
            #expect(facts.key == "registry:\(image.digest)")
            #expect(facts.digest == image.digest)
            #expect((facts.bootModes, facts.defaultMemoryMiB, facts.defaultVCPUs) == ([.direct], 300, 2))
            let sha256 = image.artifacts[0].sha256
            #expect(facts.plannedImage(in: .placeholders).kernel == "$REGISTRY/objects/\(sha256.prefix(2))/\(sha256)")
            #expect(facts.plannedImage(in: .placeholders).disk == nil)
        }
    }

    @Test func `a boot mode that the image lacks is refused with those it has`() throws {
        let facts = PlanFixtures.wic
        #expect(try facts.bootMode(requested: nil) == .bios)
        #expect(try facts.bootMode(requested: .uefi) == .uefi)
        let problem = #expect(throws: Problem.self) { try facts.bootMode(requested: .direct) }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.why == "it can boot with bios, uefi")
        #expect(throws: Problem.self) { try ImageFacts(name: "x", key: "k", bootModes: []).bootMode(requested: nil) }
    }

    @Test func `passwords stay out of plans`() throws {
        let facts = PlanFixtures.mini
        #expect(facts.consoles.login?.user == "root")
        #expect(facts.consoles.login?.password == nil)
        #expect(facts.consoles.backdoor == "hvc0")
    }
}

/// The plan of an image that is not built, against the image as it comes out.
@Suite(.tier(.guest)) struct PlannedImageTests {
    @Test(.timeLimit(.minutes(15)), arguments: BootMode.allCases)
    func `the printed arguments are the real ones but for the folders`(_ mode: BootMode) async throws {
        let store = ImageStore()
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../images").standardizedFileURL.path
        let catalog = ImageCatalog(folders: [folder])
        let image = try await store.image(for: try catalog.description(named: "mini"))
        let facts = try await ImageFacts.resolve("mini", catalog: catalog, store: store)
        #expect(facts.isCached)
        #expect(facts.digest == image.digest)
        #expect(facts.bootModes == image.firmwares)

        var topology = PlanFixtures.nodes(2)
        for index in topology.nodes.indices { topology.nodes[index].bootMode = mode }
        let plan = try LabPlan.make(
            scenario: "real", topology: topology, images: ["mini": facts], host: PlanFixtures.host(2), seed: 1)
        let real = LabFolders(
            run: "/state/run", sockets: "/run/v", ram: "/dev/shm/v", images: "\(store.cache)/images", firmware: "/usr/share/OVMF.fd")
        for node in plan.nodes {
            let configuration = node.configuration(in: real, image: image, generation: node.uuid)
            let printed = node.arguments.map { argument in
                [
                    ("$RUN", real.run), ("$SOCKETS", real.sockets), ("$RAM", real.ram), ("$IMAGES", real.images),
                    ("$FIRMWARE", real.firmware),
                ]
                .reduce(argument) { $0.replacing($1.0, with: $1.1) }
            }
            #expect(configuration.arguments == printed)
            #expect(configuration.arguments.contains { $0.contains("$") } == false)
        }
    }
}
