import Foundation
import Glibc
import LabEvents
import Testing

@testable import BuildRegistry

/// The host lacks something: each time one clear error, and nothing left behind.
@Suite(.tier(.contract), .serialized)
struct HostLimitTests {
    /// Runs `body` with a file system of this size, which only root can make.
    private func withSmallFileSystem(mebibytes: Int, _ body: (String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let runner = ToolRunner(tools: HostTools())
            try await runner.run(["mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m", "vmlab-test", folder])
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(folder)) } catch { outcome = .failure(error) }
            try await runner.run(["umount", folder])
            try outcome.get()
        }
    }

    /// Whether this process may mount a file system.
    static let canMount = geteuid() == 0 && CanMount.value

    enum CanMount {
        static let value: Bool = {
            let folder = NSTemporaryDirectory() + "/vmlab-mount-\(getpid())"
            mkdir(folder, 0o700)
            defer { rmdir(folder) }
            guard mount("none", folder, "tmpfs", 0, nil) == 0 else { return false }
            umount(folder)
            return true
        }()
    }

    @Test(.enabled(if: canMount, "needs the right to mount a tmpfs"))
    func tooLittleSpaceIsSaidBeforeTheBuild() async throws {
        try await withSmallFileSystem(mebibytes: 3) { cache in
            let builds = Recorder<String>()
            let problem = try await #require(throws: Problem.self) {
                try await makeStore(cache, QuickBuilder { builds.append($0) }).image(for: minimalDescription())
            }
            #expect(problem.key == .diskFull)
            #expect(
                problem.why == "the build needs about 4 MiB, 3 MiB are free" || problem.why == "the build needs about 4 MiB, 2 MiB are free"
            )
            #expect(builds.all == [])
            #expect(Folder.names(in: cache + "/images") == [])
        }
    }

    @Test(.enabled(if: canMount, "needs the right to mount a tmpfs"))
    func aDiskThatFillsUpIsNamedWhoeverFillsIt() async throws {
        try await withSmallFileSystem(mebibytes: 6) { cache in
            let byTool = QuickBuilder { folder in
                try await ToolRunner(tools: HostTools()).run(["dd", "if=/dev/zero", "of=\(folder)/large", "bs=1M", "count=20"])
            }
            let byUs = QuickBuilder { try Folder.write(String(repeating: "x", count: 20 << 20), to: $0 + "/large") }
            for builder in [byTool, byUs] {
                let problem = try await #require(throws: Problem.self) {
                    try await makeStore(cache, builder).image(for: minimalDescription())
                }
                #expect(problem.key == .diskFull)
                #expect(problem.exitCode == 3)
                #expect(problem.remedy?.contains("VMLAB_CACHE") == true)
                #expect(Folder.names(in: cache + "/images") == [])
            }
        }
    }

    @Test(.enabled(if: canMount, "needs the right to mount a tmpfs"), .timeLimit(.minutes(5)))
    func aDiskThatFillsUpInARealBuildIsNamed() async throws {
        try await withSmallFileSystem(mebibytes: 200) { cache in
            var description = try BuiltImageTests.catalog.description(named: "mini")
            description.buildSpaceMiB = 1
            let problem = try await #require(throws: Problem.self) { try await ImageStore(cache: cache).image(for: description) }
            #expect(problem.key == .diskFull)
            #expect(Folder.names(in: cache + "/images") == [])
        }
    }

    @Test func withoutToolsNothingStarts() async throws {
        try await withTemporaryFolder { cache in
            let builder = ImageBuilder(tools: HostTools(searchPath: [cache]))
            let problem = try await #require(throws: Problem.self) { try await makeStore(cache, builder).image(for: minimalDescription()) }
            #expect(problem.key == .toolMissing)
            for package in ["mmdebstrap", "mtools", "dosfstools", "qemu-utils", "e2fsprogs"] {
                #expect(problem.remedy?.contains(package) == true)
            }
            #expect(Folder.names(in: cache + "/images") == [])
        }
    }

    @Test(.timeLimit(.minutes(5))) func unreachablePackageSourcesAreSaidInAptsWords() async throws {
        try await withTemporaryFolder { folder in
            // Port 9 of this machine stands for a mirror that does not answer.
            let source = "Packages\tamd64\tDebian\tbookworm\thttp://127.0.0.1:9/debian/\tbookworm\tmain\t"
            let apt = "#!/bin/sh\nif [ \"$1\" = indextargets ]; then printf '%s\\n' '\(source)'; else exec /usr/bin/apt-get \"$@\"; fi\n"
            try Folder.write(apt, to: folder + "/bin/apt-get", mode: 0o755)
            let tools = HostTools(path: folder + "/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            let problem = try await #require(throws: Problem.self) {
                try await makeStore(folder + "/cache", ImageBuilder(tools: tools)).image(for: minimalDescription())
            }
            #expect(problem.key == .fetchFailed)
            #expect(problem.why?.contains("127.0.0.1") == true)
            #expect(Folder.names(in: folder + "/cache/images") == [])
        }
    }
}
