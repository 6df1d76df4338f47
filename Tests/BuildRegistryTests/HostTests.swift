import LabEvents
import Testing

@testable import BuildRegistry

/// What is learned about the host and its packages from text.
@Suite(.tier(.unit))
struct HostTests {
    static let debian = HostDistribution(id: "debian", codename: "bookworm")

    private func line(_ fields: String...) -> String { fields.joined(separator: "\t") + "\n" }

    @Test func onlyTheDistributionsOwnSourcesAreTaken() throws {
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        let text =
            line("Packages", "amd64", "Debian", "bookworm", "https://mirror.example/debian/", "bookworm", "main", keyring)
            + line("Packages", "all", "Debian", "bookworm", "https://mirror.example/debian/", "bookworm", "main", keyring)
            + line("Packages", "i386", "Debian", "bookworm", "https://mirror.example/debian/", "bookworm", "contrib", keyring)
            + line("Translations", "amd64", "Debian", "bookworm", "https://mirror.example/debian/", "bookworm", "main", keyring)
            + line("Packages", "amd64", "Debian", "bookworm-security", "https://mirror.example/security/", "bookworm-security", "main", "")
            + line(
                "Packages", "amd64", "Debian Backports", "bookworm-backports", "https://mirror.example/debian/", "bookworm-backports",
                "main", "")
            + line("Packages", "amd64", "Debian", "trixie", "https://mirror.example/debian/", "trixie", "main", "")
            + line("Packages", "amd64", "Node Source", "nodistro", "https://other.example/", "bookworm", "main", "")
            + line("Packages", "amd64", "", "", "https://stranger.example/", "bookworm", "stable", "")
        let sources = try PackageSources(indexTargets: text, for: Self.debian)
        #expect(
            sources.sourcesList == """
                deb [signed-by=\(keyring)] https://mirror.example/debian/ bookworm main
                deb https://mirror.example/security/ bookworm-security main

                """)
    }

    @Test func aSuiteCalledStableIsRecognisedByItsCodename() throws {
        let text = line("Packages", "amd64", "Debian", "bookworm", "https://mirror.example/debian/", "oldstable", "main", "")
        #expect(try PackageSources(indexTargets: text, for: Self.debian).entries.map(\.suite) == ["oldstable"])
    }

    @Test func sourcesThatAptHasNotFetchedYetAreTakenByTheirComponents() throws {
        let text = line("Packages", "amd64", "", "", "https://mirror.example/debian/", "bookworm", "main", "")
        #expect(try PackageSources(indexTargets: text, for: Self.debian).entries.count == 1)
    }

    @Test func noSourceIsAnEnvironmentProblem() throws {
        for text in ["", line("Packages", "amd64", "Node Source", "nodistro", "https://other.example/", "nodistro", "main", "")] {
            let problem = try #require(throws: Problem.self) { try PackageSources(indexTargets: text, for: Self.debian) }
            #expect(problem.key == .packageSources)
        }
    }

    @Test func proxiesOfTheHostAreKeptAndOtherSettingsAreNot() {
        let dump = """
            APT::Architecture "amd64";
            Acquire::http "";
            Acquire::http::Proxy "http://proxy.example:3128";
            Acquire::https::CAInfo "/etc/ssl/own.pem";
            Acquire::Languages "none";
            """
        #expect(
            PackageSources.acquireOptions(aptConfig: dump) == [
                "Acquire::http::Proxy \"http://proxy.example:3128\";", "Acquire::https::CAInfo \"/etc/ssl/own.pem\";",
            ])
    }

    @Test func otherDistributionsAreRefused() async throws {
        try await withTemporaryFolder { folder in
            let file = folder + "/os-release"
            try Folder.write("ID=fedora\nPRETTY_NAME=\"Fedora 44\"\n", to: file)
            let problem = try #require(throws: Problem.self) { try HostDistribution(osRelease: file) }
            #expect(problem.key == .packageSources)
            #expect(problem.why?.contains("Fedora 44") == true)
            try Folder.write("ID=\"ubuntu\"\nVERSION_CODENAME=noble\n", to: file)
            #expect(try HostDistribution(osRelease: file) == HostDistribution(id: "ubuntu", codename: "noble"))
        }
    }

    @Test func allMissingToolsComeInOneCommand() throws {
        let tools = HostTools(searchPath: ["/nonexistent"])
        let problem = try #require(throws: Problem.self) { try tools.require(["mcopy", "mmd", "mmdebstrap", "qemu-img"], for: "this") }
        #expect(problem.key == .toolMissing)
        #expect(problem.remedy == "sudo apt-get install -y mmdebstrap mtools qemu-utils")
        #expect(HostTools(path: "/usr/bin").find("mke2fs") != nil)
    }

    @Test func packagesAreCountedAndComplaintsKept() {
        var progress = PackageProgress()
        #expect(progress.consume("Get:1 http://mirror.example/debian bookworm InRelease [151 kB]") == nil)
        #expect(progress.consume("Get:4 http://mirror.example/debian bookworm/main amd64 Packages [8,000 kB]") == nil)
        #expect(progress.consume("0 upgraded, 57 newly installed, 0 to remove and 0 not upgraded.") == nil)
        let fetched = progress.consume("Get:1 http://mirror.example/debian bookworm/main amd64 kmod amd64 30-1 [95.0 kB]")
        #expect(fetched?.done == 1)
        #expect(fetched?.total == 57)
        #expect(progress.packages == [PackageVersion(name: "kmod", version: "30-1")])
        #expect(progress.consume("Setting up kmod (30-1) ...")?.activity == .configured)
        #expect(!progress.isFetchFailure)
        #expect(progress.consume("E: Unable to locate package linux-image-none") == nil)
        #expect(progress.isFetchFailure)
        #expect(progress.complaints == ["E: Unable to locate package linux-image-none"])
    }
}
