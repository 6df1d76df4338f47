import Foundation
import LabEvents
import SystemPackage
import Testing

@testable import BuildRegistry

/// Building variants with a stand-in for kas that does to files what ISAR was seen to do.
@Suite(.tier(.contract), .serialized, .timeLimit(.minutes(5)))
struct VariantBuildTests {
    @Test(arguments: ["new", "old"])
    func `sixteen variants register 42 right artifacts, and are up to date then`(naming: String) async throws {
        try await KasWorld.with { world in
            try world.behave(.init(naming: naming))
            #expect(world.isar.count == 16)
            var options = VariantBuild.Options()
            options.jobs = 4
            let report = try await world.build(world.isar, options)
            #expect(report.isComplete, "\(report.variants.compactMap(\.problem))")
            #expect(report.variants.map(\.variant) == world.isar.map(\.id))
            #expect(report.variants.reduce(0) { $0 + ($1.artifacts?.count ?? 0) } == 42)
            try await world.checkRegistered()
            #expect(try await world.registry.verify().faults == [])

            let again = try await world.build(world.isar, options)
            #expect(again.variants.allSatisfy { $0.outcome == .upToDate && $0.generation == 1 })
        }
    }

    @Test func `what has changed is built again, and only what it concerns; the reason is said`() async throws {
        try await KasWorld.with { world in
            let two = world.isar.filter { $0[.node] == "server-1" && ["vlans", "simple"].contains($0[.profile]) }
            try #require(two.count == 2)
            _ = try await world.build(two)
            var declared = two
            declared[0].chain.removeLast()
            var options = VariantBuild.Options()
            options.isDryRun = true
            let report = try await world.build(declared, options)
            #expect(report.variants.map(\.outcome) == [.wouldBuild, .upToDate])
            #expect(report.variants[0].why?.contains("chain kas/node/server-1.yml is gone") == true, "\(report.variants[0].why ?? "")")
            try "\n".write(toFile: world.folder + "/images/kas/extra.inc", atomically: true, encoding: .utf8)
            let all = try await world.build(two, options)
            #expect(all.variants.map(\.why) == ["folder kas changed", "folder kas changed"])
        }
    }

    @Test func `a builder that does not see the change, and leaves another variant's files, cannot pass them off`() async throws {
        try await KasWorld.with { world in
            try world.behave(.init(blind: true))
            let two = world.isar.filter { $0[.profile] == "vlans" }
            try #require(two.count == 2)
            let report = try await world.build(two)
            #expect(report.variants.map(\.outcome) == [.registered, .registered], "\(report.variants.compactMap(\.problem))")
            try await world.checkRegistered()
        }
    }

    @Test func `a builder that sees nothing to do is told to make the outputs again`() async throws {
        try await KasWorld.with { world in
            let one = [try world.matrix.variant(named: "server@profile=vlans,node=server-1")]
            _ = try await world.build(one)
            let events = Recorder<VariantBuildEvent>()
            var options = VariantBuild.Options()
            options.isForced = true
            let report = try await world.build(one, options) { events.append($0) }
            #expect(report.variants.map(\.outcome) == [.registered])
            #expect(report.variants[0].generation == 2)
            #expect(events.all.contains { if case .again = $0 { true } else { false } })
            try await world.checkRegistered()
        }
    }

    @Test(arguments: ["before", "middle", "after"])
    func `a failed variant loses no other, registers nothing, and the files of before are back`(moment: String) async throws {
        try await KasWorld.with { world in
            let all = world.isar.filter { $0[.machine] == "qemuamd64" && $0[.role] == "server" }
            let victim = try world.matrix.variant(named: "server@profile=vlans,node=server-2")
            _ = try await world.build([try world.matrix.variant(named: "server@profile=simple,node=server-1")])
            let place = (victim.outputFolder ?? "") + "/n3x-image-server-debian-trixie-qemuamd64.wic"
            let before = try Data(contentsOf: URL(filePath: place))
            try world.behave(.init(fail: ["vlans/server-2": moment]))
            let failed = try await world.build([victim])
            #expect(failed.variants.map(\.outcome) == [.failed])
            #expect(failed.variants[0].problem?.why?.contains("failed with exit code '1'") == true)
            #expect(failed.variants[0].log.map(Folder.exists) == true)
            #expect(try Data(contentsOf: URL(filePath: place)) == before)
            #expect(!Folder.names(in: victim.outputFolder ?? "").contains { $0.hasPrefix(".vmlab") })
            #expect(try await world.registry.generations(of: victim.id) == [])

            let report = try await world.build(all)
            #expect(!report.isComplete)
            for variant in all where variant != victim {
                #expect([.registered, .upToDate].contains(report.outcome(variant)), "\(variant.id)")
            }
            #expect(report.outcome(victim) == .failed)
            try await world.checkRegistered()
        }
    }

    @Test func `a binary of another architecture is refused (FM-7), and so is what a batch of builds left (FM-3)`() async throws {
        try await KasWorld.with { world in
            let one = try world.matrix.variant(named: "server@profile=vlans,node=server-1")
            let two = try world.matrix.variant(named: "server@profile=vlans,node=server-2")
            try world.behave(.init(wrongMachine: true))
            let wrong = try await world.build([one])
            #expect(wrong.variants[0].problem?.why?.contains("it is for arm64, the variant is for amd64") == true)
            #expect(try await world.registry.images() == [])

            // All built, then all registered, as today's scripts do: the second has overwritten the first.
            try world.behave(.init())
            for variant in [one, two] {
                let builder = KasBuilder(tools: world.tools, cache: world.cache)
                let work = VariantWork(
                    log: FilePath(world.folder + "/log"), scratch: world.folder, lock: world.folder + "/lock", isForced: true,
                    activity: { _ in }, alive: {})
                _ = try await builder.build(variant, work)
            }
            var options = VariantBuild.Options()
            options.isRegisterOnly = true
            let batch = try await world.build([one, two], options)
            #expect(batch.variants.map(\.outcome) == [.failed, .failed])
            #expect(batch.variants[0].problem?.why?.contains("FM-3") == true)
            #expect(try await world.registry.images() == [])
            // The last that was built is what lies there; whoever says so may register it, and nothing else with the same bytes.
            #expect(try await world.build([two], options).variants.map(\.outcome) == [.registered])
            let second = try await world.build([one], options)
            #expect(second.variants.map(\.outcome) == [.failed])
            #expect(second.variants[0].problem?.why?.contains(two.id) == true)
            try await world.checkRegistered()
        }
    }

    @Test func `kas-container is taken where it and an engine are there, and its image's digest is kept`() async throws {
        try await KasWorld.with { world in
            // Takes its own option and leaves the rest to kas, as the real one does in its container.
            let script =
                "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'kas-container 5.5'; exit; }\n[ \"$1\" = --isar ] || exit 9\nshift\nexec kas \"$@\"\n"
            try Folder.write(script, to: world.folder + "/bin/kas-container", mode: 0o755)
            try Folder.write("#!/bin/sh\n[ \"$1\" = images ] && echo sha256:0123\n", to: world.folder + "/bin/docker", mode: 0o755)
            let one = try world.matrix.variant(named: "server@profile=vlans,node=server-1")
            #expect(try await world.build([one]).isComplete)
            let provenance = try await world.registry.image(one.id).provenance
            #expect(provenance.container == "sha256:0123")
            #expect(provenance.builderDigest?.hasPrefix("kas-container 5.5") == true)
            #expect(provenance.inputs?["engine"] == "kas-container 5.5")
            try await world.checkRegistered()
        }
    }

    @Test func `bitbake's own words say what it is doing`() {
        let line =
            "2026-11-22 02:13:24 - INFO     - NOTE: Running task 27 of 35 (/w/build/../../vm/meta/recipes-core/images/n3x-image-server.bb:do_image_wic)"
        #expect(BitbakeTask(line: line)?.description == "27 of 35: image_wic of n3x-image-server")
        #expect(BitbakeTask(line: "NOTE: Running setscene task 3 of 12 (/a/b.bb:do_rootfs_setscene)")?.isFromCache == true)
        #expect(BitbakeTask(line: "NOTE: Running noexec task 1 of 2 (mc:x:/a/b.bb:do_build)")?.recipe == "b")
        #expect(BitbakeTask(line: "NOTE: recipe n3x-image-server-1.0-r0: task do_image_wic: Started") == nil)
    }

    @Test func `a silent builder is ended, and the 9p file systems are named`() async throws {
        try await KasWorld.with { world in
            try "drive /mnt/c\\040d 9p rw,dirsync 0 0\n".write(toFile: world.folder + "/mounts", atomically: true, encoding: .utf8)
            var one = try world.matrix.variant(named: "server@profile=vlans,node=server-1")
            let refusal = await #expect(throws: Problem.self) { try await world.build([one]) }
            #expect(refusal?.key == .ninePMount)
            #expect(refusal?.location == "/mnt/c d")

            one.settings = ["command": "sleep 600", "stallMinutes": "0.01"]
            one.builder = .command
            let report = try await world.build([one])
            #expect(report.variants[0].problem?.why?.contains("/mnt/c d") == true, "\(String(describing: report.variants[0].problem))")
        }
    }

    @Test func `9p file systems are unmounted for a build and mounted again, also after one that was killed`() async throws {
        try await KasWorld.with { world in
            let mounts = world.folder + "/mounts"
            let line = "drive /mnt/c 9p rw,dirsync 0 0"
            try (line + "\n").write(toFile: mounts, atomically: true, encoding: .utf8)
            // Programs that do to this table what the real ones do to the kernel's.
            for (name, script) in [
                ("umount", "echo \"umount $*\" >>'\(world.folder)/calls'; : >'\(mounts)'"),
                ("mount", "echo \"mount $*\" >>'\(world.folder)/calls'; echo '\(line)' >'\(mounts)'"),
                ("sudo", "shift; exec \"$@\""),
            ] { try Folder.write("#!/bin/sh\n\(script)\n", to: "\(world.folder)/bin/\(name)", mode: 0o755) }
            var options = VariantBuild.Options()
            options.unmounts9p = true
            let one = [try world.matrix.variant(named: "server@profile=vlans,node=server-1")]
            #expect(try await world.build(one, options).isComplete)
            let calls = "umount /mnt/c\nmount -t 9p -o rw,dirsync drive /mnt/c\n"
            #expect(try String(contentsOfFile: world.folder + "/calls", encoding: .utf8) == calls)
            let nineP = NinePMounts(tools: world.tools, table: mounts, ledger: world.cache + "/9p-mounts.json")
            #expect(!Folder.exists(nineP.ledger))

            // What a killed build leaves: the ledger, and nothing mounted.
            try Folder.write(#"[{"source": "drive", "target": "/mnt/c", "options": "rw,dirsync"}]"#, to: nineP.ledger)
            try "".write(toFile: mounts, atomically: true, encoding: .utf8)
            try await nineP.without {}
            #expect(nineP.mounts().map(\.target) == ["/mnt/c"])
            #expect(!Folder.exists(nineP.ledger))
        }
    }

    @Test func `commands, imports and attributes of Nix become images`() async throws {
        try await withTemporaryFolder { folder in
            try Folder.write(
                """
                groups:
                  - name: command
                    builder: command
                    settings: {command: "printf '%s' \\"$VMLAB_NODE\\" >\\"$VMLAB_OUTPUT/data\\"", sources: seed}
                    axes: {role: [made], machine: [m], node: [a, b], boot: [direct], arch: [amd64]}
                    outputs: {data: {patterns: [data], format: any, size: 1-1K}}
                  - name: import
                    builder: import
                    settings: {from: there}
                    axes: {role: [imported], machine: [m], boot: [direct], arch: [amd64]}
                    outputs: {data: {patterns: ["*.bin"], format: any, size: 1-1K}}
                  - name: nix
                    builder: nix
                    settings: {file: default.nix, attribute.data: system.kernel}
                    axes: {role: [nixos], machine: [m], boot: [direct], arch: [amd64]}
                    outputs: {data: {patterns: [bzImage], format: any, size: 1-1K}}
                """, to: folder + "/images/variants.yaml")
            for (name, text) in [("seed", "1"), ("there/x.bin", "imported"), ("default.nix", "{}"), ("store/abc-linux/bzImage", "kernel")] {
                try Folder.write(text, to: "\(folder)/images/\(name)")
            }
            for (name, path) in [("nix-build", "\(folder)/images/store/abc-linux"), ("nix-instantiate", "/nix/store/abc.drv")] {
                let script =
                    "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'nix-build 2.8'; exit; }\ncase $* in *'-A system.kernel'*) echo \(path) ;; *) exit 1 ;; esac\n"
                try Folder.write(script, to: "\(folder)/bin/\(name)", mode: 0o755)
            }
            let matrix = try VariantMatrix(contentsOf: folder + "/images/variants.yaml")
            let build = VariantBuild(
                catalog: ImageCatalog(folders: [folder + "/images"]), cache: folder + "/cache", options: .init(),
                tools: HostTools(path: "\(folder)/bin:/usr/bin:/bin"), mounts: "/dev/null")
            let report = try await build.run(matrix.variants)
            #expect(
                report.variants.map(\.outcome) == [.registered, .registered, .registered, .registered],
                "\(report.variants.compactMap(\.problem))")
            for (variant, text) in zip(matrix.variants, ["a", "b", "imported", "kernel"]) {
                let image = try await build.registry.image(variant.id)
                #expect(try String(contentsOfFile: build.registry.object(image.artifacts[0].sha256), encoding: .utf8) == text)
            }
            #expect(try await build.run(matrix.variants).variants.allSatisfy { $0.outcome == .upToDate })
            try Folder.write("2", to: folder + "/images/seed")
            #expect(try await build.run(matrix.variants).variants.map(\.outcome) == [.unchanged, .unchanged, .upToDate, .upToDate])
        }
    }
}
