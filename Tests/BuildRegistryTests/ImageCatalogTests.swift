import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

@Suite(.tier(.unit))
struct ImageCatalogTests {
    @Test func anUnknownImageIsAnsweredWithTheKnownOnes() throws {
        let problem = try #require(throws: Problem.self) {
            try ImageCatalog(folders: [packageFolder + "/images"]).description(named: "centos")
        }
        #expect(problem.exitCode == 2)
        #expect(problem.why == "the known ones are debian, k3s-standin, mini, mini-ab")
        #expect(throws: Problem.self) { try ImageCatalog(folders: []).description(named: "mini") }
        #expect(throws: Problem.self) { try ImageCatalog(folders: [packageFolder]).description(named: "images/mini") }
    }

    @Test func foldersAreSearchedInOrder() async throws {
        try await withTemporaryFolder { folder in
            for path in ["given", "work/images", "package/images", "package/.build/debug", "package/.build/checkouts/vmlab/images"] {
                try Folder.create("\(folder)/\(path)")
            }
            try Folder.write("", to: folder + "/package/Package.swift")
            try Folder.write("", to: folder + "/package/.build/debug/vmlab")
            try Folder.link(folder + "/vmlab", to: "package/.build/debug/vmlab")
            for path in ["given", "package/images"] { try Folder.write(minimalYAML, to: "\(folder)/\(path)/tiny.yaml") }
            try Folder.write(minimalYAML.replacing("tiny", with: "other"), to: folder + "/package/images/other.yaml")

            let catalog = try ImageCatalog.standard(
                environment: ["VMLAB_IMAGES": folder + "/given"], workingDirectory: folder + "/work",
                executable: folder + "/package/.build/debug/vmlab")
            #expect(
                catalog.folders == [
                    folder + "/given", folder + "/work/images", folder + "/package/.build/checkouts/vmlab/images",
                    folder + "/package/images",
                ])
            #expect(catalog.names == ["other", "tiny"])
            #expect(try catalog.description(named: "other").name == "other")
        }
    }

    @Test func aWrongVariableIsAnErrorAndNotIgnored() {
        #expect(throws: Problem.self) { try ImageCatalog.standard(environment: ["VMLAB_IMAGES": "/nowhere"]) }
    }

    @Test func thePackageOfTheTestsIsFoundFromElsewhere() throws {
        let catalog = try ImageCatalog.standard(environment: [:], workingDirectory: "/")
        #expect(catalog.names.contains("mini"))
    }

    @Test(arguments: [
        (["VMLAB_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"], "/a"), (["XDG_CACHE_HOME": "/b", "HOME": "/c"], "/b/vmlab"),
        (["XDG_CACHE_HOME": "relative", "HOME": "/c"], "/c/.cache/vmlab"), (["VMLAB_CACHE": "", "HOME": "/c"], "/c/.cache/vmlab"),
    ])
    func theCacheFolderFollowsTheEnvironment(_ environment: [String: String], _ expected: String) {
        #expect(ImageStore.defaultCache(environment: environment) == expected)
    }
}
