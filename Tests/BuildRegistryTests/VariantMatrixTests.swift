import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

/// The matrix that comes with vmlab, and what names mean in it.
@Suite(.tier(.unit))
struct VariantMatrixTests {
    static func shipped() throws -> VariantMatrix { try VariantMatrix(contentsOf: packageFolder + "/images/variants.yaml") }

    @Test func `the users' sixteen variants have forty-two artifacts`() throws {
        let variants = try Self.shipped().variants.filter { $0.builder == .isar }
        #expect(variants.count == 16)
        #expect(variants.reduce(0) { $0 + $1.outputs.count } == 42)
        let machines = Dictionary(grouping: variants, by: { $0[.machine] }).mapValues(\.count)
        #expect(machines == ["qemuamd64": 11, "qemuarm64": 2, "jetson-orin-nano": 2, "amd-v3c18i": 1])
        #expect(
            variants.filter { $0[.machine] == "jetson-orin-nano" }.allSatisfy {
                $0.outputs.map(\.format) == [.archive] && $0.bootMode == nil
            })
        #expect(variants.filter { $0[.role] == "base" && $0[.machine] == "qemuamd64" }.map { $0[.boot] } == ["uefi", "uefi-ab"])
    }

    @Test func `every image description of ours is a variant`() throws {
        let own = try Self.shipped().variants.filter { $0.builder == .mmdebstrap }
        #expect(own.map { $0[.role] }.sorted() == ImageCatalog(folders: [packageFolder + "/images"]).names)
        let mini = try #require(own.first { $0[.role] == "mini" })
        #expect(mini.guest.commandLine.contains("console=ttyS0"))
        #expect(mini.guest.consoles.login?.password == nil)
    }

    @Test func `ids name every axis and are unique`() throws {
        let variants = try Self.shipped().variants
        #expect(Set(variants.map(\.id)).count == variants.count)
        for variant in variants {
            #expect(try VariantName(variant.id).axes == variant.axes)
            #expect(Set(variant.axes.keys) == Set(VariantAxis.allCases))
        }
        #expect(variants[2].id == "server@machine=qemuamd64,profile=vlans,node=server-1,boot=uefi,arch=amd64")
    }

    @Test func `every file of every chain is there`() throws {
        for variant in try Self.shipped().variants {
            for file in variant.chain { #expect(Folder.exists(variant.folder + "/" + file), "\(variant.id): \(file)") }
            #expect(variant.chain.isEmpty == (variant.builder == .mmdebstrap))
        }
        let variant = try Self.shipped().variant(named: "server@profile=vlans,node=server-1")
        #expect(
            variant.chain == [
                "kas/base.yml", "kas/machine/qemuamd64.yml", "kas/packages/k3s.yml", "kas/image/server.yml", "kas/boot/systemd-boot.yml",
                "kas/test/backdoor.yml", "kas/network/vlans.yml", "kas/node/server-1.yml",
            ])
        #expect(variant.outputFolder == packageFolder + "/build/tmp/deploy/images/qemuamd64")
        #expect(variant.buildCommand == "vmlab image build --variant \(variant.id)")
    }

    @Test func `a short name means a variant when it fits one alone`() throws {
        let matrix = try Self.shipped()
        for name in ["server@profile=vlans,node=server-1", "server@node=server-1,profile=vlans", "profile=vlans,node=server-1"] {
            #expect(try matrix.variant(named: name).id == "server@machine=qemuamd64,profile=vlans,node=server-1,boot=uefi,arch=amd64")
        }
        #expect(try matrix.variant(named: "mini")[.role] == "mini")
        #expect(try matrix.variants(named: "server@profile=vlans").count == 2)
    }

    @Test func `a name that fits several lists them and says what tells them apart`() throws {
        let problem = #expect(throws: Problem.self) { try Self.shipped().variant(named: "server@profile=vlans") }
        #expect(problem?.kind == .invalidInput)
        #expect(
            problem?.why == """
                the candidates are
                server@machine=qemuamd64,profile=vlans,node=server-1,boot=uefi,arch=amd64
                server@machine=qemuamd64,profile=vlans,node=server-2,boot=uefi,arch=amd64
                """)
        #expect(problem?.remedy == "add what tells them apart: node")
    }

    @Test(arguments: [
        ("server@profile=wlans", "no variant has profile=wlans; there are bonding-vlans, dhcp-simple, none, simple, vlans"),
        ("base@profile=vlans", "each of these values exists, but not together"),
        ("server@colour=red", "'colour=red' is not AXIS=VALUE; the axes are role, machine, profile, node, boot, arch"),
        ("server@node=a,node=b", "it names the node twice"),
        ("server@", "'' is not AXIS=VALUE; the axes are role, machine, profile, node, boot, arch"),
        ("Server", "'Server' has other characters than lower-case letters, digits, '-', '.' and '_'"),
        ("server@role=agent", "it names the role twice"),
        ("", "'' has other characters than lower-case letters, digits, '-', '.' and '_'"),
    ])
    func `a name that fits nothing says why`(name: String, why: String) throws {
        let problem = #expect(throws: Problem.self) { try Self.shipped().variant(named: name) }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.why == why)
    }

    @Test func `CI systems get a job for each variant`() throws {
        let matrix = try Self.shipped()
        let github = try JSONDecoder().decode([String: [[String: String]]].self, from: Data(try matrix.githubMatrix().utf8))
        #expect(github["include"]?.map { $0["variant"] } == matrix.variants.map(\.id))
        #expect(github["include"]?[0]["machine"] == "qemuamd64")
        #expect(try !matrix.githubMatrix().contains("\n"))
        let gitlab = try YAMLSection(
            try YAMLSection.document(matrix.gitlabMatrix(), file: "ci"), file: "ci", title: "ci", keys: [".variants"]
        ).section(".variants", keys: ["parallel"])?.section("parallel", keys: ["matrix"])
        let keys = ["VARIANT"] + VariantAxis.allCases.map { $0.rawValue.uppercased() }
        let jobs = try #require(try gitlab?.sections("matrix", keys: keys))
        #expect(try jobs.map { try $0.string("VARIANT") } == matrix.variants.map(\.id))
        #expect(try jobs.map { try $0.string("BOOT") } == matrix.variants.map { $0[.boot] })
    }

    @Test func `the matrix is no image description`() throws {
        let catalog = ImageCatalog(folders: [packageFolder + "/images"])
        #expect(!catalog.names.contains("variants"))
        #expect(catalog.hasMatrix)
        #expect(!ImageCatalog(folders: ["/nowhere"]).hasMatrix)
        #expect(throws: Problem.self) { try VariantMatrix.standard(catalog: ImageCatalog(folders: ["/nowhere"])) }
    }

    @Test func `outputs are found under both of ISAR's names`() async throws {
        let variant = try Self.shipped().variant(named: "server@profile=vlans,node=server-1")
        let kernel = try #require(variant.output("kernel"))
        try await withTemporaryFolder { folder in
            #expect(throws: Problem.self) { try kernel.locate(in: folder) }
            let older = folder + "/debian-trixie-n3x-image-server/vmlinuz"
            try Folder.write("k", to: older)
            #expect(try kernel.locate(in: folder) == older)
            let newer = folder + "/n3x-image-server-debian-trixie-qemuamd64-vmlinuz"
            try Folder.write("k", to: newer)
            #expect(try kernel.locate(in: folder) == newer)
            #expect(kernel.candidates(in: folder) == [newer, older])
            try Folder.write("k", to: folder + "/n3x-image-server-debian-trixie-qemuamd64-vmlinux")
            let problem = #expect(throws: Problem.self) { try kernel.locate(in: folder) }
            #expect(problem?.what == "more than one file can be the output 'kernel'")
        }
    }

    @Test func `a folder with a pattern's characters is a folder`() async throws {
        try await withTemporaryFolder { folder in
            let place = folder + "/a[b]*"
            try Folder.write("x", to: place + "/vmlinuz")
            let output = ImageOutput(name: "kernel", patterns: ["vmlinu[xz]"], format: .any)
            #expect(try output.locate(in: place) == place + "/vmlinuz")
        }
    }
}
