// swift-tools-version: 6.2
import PackageDescription

// A package of your own: copy this folder, and take vmlab from its repository instead of from the folder above:
//     .package(url: "https://example.org/vmlab.git", from: "1.0.0"),
let package = Package(
    name: "EdgePlatform",
    dependencies: [
        .package(name: "vmlab", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "edge-platform", dependencies: [.product(name: "VMLabCommand", package: "vmlab")], path: "Sources/EdgePlatform")
    ]
)
