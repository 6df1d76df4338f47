// swift-tools-version: 6.2
import PackageDescription

/// The scripts in ci/ set this for the compilers that the project is kept clean for, so that a newer compiler's new warning never breaks a
/// user's build. It reaches our own targets alone, and the dependencies are built once for both.
let strict: [SwiftSetting] = Context.environment["VMLAB_WARNINGS_AS_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// The settings every target of ours shares.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ] + strict

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "vmlab",
    products: [
        .executable(name: "vmlab", targets: ["vmlab"]),
        // What a package with scenarios of its own imports; see Examples/EdgePlatform.
        .library(
            name: "VMLabCommand",
            targets: ["Fetching", "GuestShell", "K3sCluster", "LabEvents", "NetworkProfiles", "Phases", "VDE", "VMLab", "VMLabCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .target(name: "LabEvents", dependencies: [crypto, yams], swiftSettings: settings),
        .target(
            name: "QEMU",
            dependencies: ["LabEvents", crypto, nioCore, nioPosix, subprocess, system],
            exclude: ["Payload"],
            swiftSettings: settings
        ),
        .target(
            name: "GuestShell",
            dependencies: ["LabEvents", crypto, nioCore, nioPosix, system],
            swiftSettings: settings
        ),
        .target(
            name: "BuildRegistry",
            dependencies: ["LabEvents", crypto, grdb, subprocess, system, yams],
            swiftSettings: settings
        ),
        .target(name: "Fetching", dependencies: ["LabEvents", crypto, subprocess, system], swiftSettings: settings),
        .target(name: "NetworkProfiles", dependencies: ["LabEvents", yams], swiftSettings: settings),
        .systemLibrary(name: "CVDEPlug", providers: [.apt(["libvdeplug-dev"])]),
        .target(name: "VDE", dependencies: ["CVDEPlug", "LabEvents", nioCore, nioPosix], swiftSettings: settings),
        .target(name: "Reporting", dependencies: ["LabEvents"], swiftSettings: settings),
        .target(
            name: "VMLab",
            dependencies: [
                "BuildRegistry", "GuestShell", "LabEvents", "NetworkProfiles", "QEMU", "Reporting", "VDE", crypto, nioCore, nioPosix,
                subprocess, system,
            ],
            swiftSettings: settings
        ),
        .target(name: "Phases", dependencies: ["GuestShell", "LabEvents", "NetworkProfiles", "VMLab"], swiftSettings: settings),
        .target(
            name: "K3sCluster",
            dependencies: ["Fetching", "GuestShell", "LabEvents", "NetworkProfiles", "Phases", "VMLab", crypto, system],
            swiftSettings: settings),
        .target(
            name: "Scenarios", dependencies: ["GuestShell", "K3sCluster", "LabEvents", "NetworkProfiles", "Phases", "VDE", "VMLab"],
            swiftSettings: settings),
        .target(
            name: "VMLabCommand",
            dependencies: [
                "BuildRegistry", "Fetching", "GuestShell", "LabEvents", "NetworkProfiles", "Phases", "QEMU", "Reporting", "VMLab",
                argumentParser,
            ],
            swiftSettings: settings
        ),
        .executableTarget(name: "vmlab", dependencies: ["Scenarios", "VMLabCommand"], swiftSettings: settings),
        .executableTarget(
            name: "GuestShellBenchmark",
            dependencies: ["BuildRegistry", "GuestShell", "LabEvents", "QEMU", "VMLab", argumentParser, crypto],
            path: "Benchmarks/GuestShellBenchmark",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "WaitBenchmark",
            dependencies: ["BuildRegistry", "GuestShell", "LabEvents", "Phases", "QEMU", "VMLab", argumentParser],
            path: "Benchmarks/WaitBenchmark",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "CableBenchmark", dependencies: ["CVDEPlug", "LabEvents", "VDE", argumentParser], path: "Benchmarks/CableBenchmark",
            swiftSettings: settings),
        .executableTarget(
            name: "RegisterBenchmark", dependencies: ["BuildRegistry", "LabEvents", argumentParser], path: "Benchmarks/RegisterBenchmark",
            swiftSettings: settings),
        // The program that LongRunTests measures.
        .executableTarget(
            name: "LongRun", dependencies: ["GuestShell", "Phases", "VMLab", "VMLabCommand"], path: "Benchmarks/LongRun",
            swiftSettings: settings),
        .testTarget(name: "LabEventsTests", dependencies: ["LabEvents"], swiftSettings: settings),
        .testTarget(name: "ReportingTests", dependencies: ["LabEvents", "Reporting"], swiftSettings: settings),
        // The program is run as its users run it, so it must be built.
        .testTarget(name: "FetchingTests", dependencies: ["Fetching", "LabEvents", "vmlab", crypto], swiftSettings: settings),
        .testTarget(
            name: "NetworkProfilesTests", dependencies: ["LabEvents", "NetworkProfiles", yams], exclude: ["Broken"], swiftSettings: settings
        ),
        .testTarget(name: "VDETests", dependencies: ["CableBenchmark", "LabEvents", "VDE"], swiftSettings: settings),
        .testTarget(
            name: "VMLabTests", dependencies: ["BuildRegistry", "LabEvents", "NetworkProfiles", "QEMU", "VDE", "VMLab"],
            swiftSettings: settings),
        .testTarget(
            name: "PhasesTests", dependencies: ["BuildRegistry", "GuestShell", "LabEvents", "NetworkProfiles", "Phases", "QEMU", "VMLab"],
            swiftSettings: settings),
        .testTarget(
            name: "K3sClusterTests",
            dependencies: ["Fetching", "K3sCluster", "LabEvents", "NetworkProfiles", "Phases", "VMLab", crypto, yams],
            exclude: ["Fixtures"], swiftSettings: settings),
        .testTarget(
            name: "ScenariosTests", dependencies: ["LabEvents", "NetworkProfiles", "Phases", "Scenarios", "VDE", "VMLab"],
            swiftSettings: settings),
        .testTarget(name: "QEMUTests", dependencies: ["QEMU", "LabEvents", subprocess], swiftSettings: settings),
        .testTarget(name: "GuestShellTests", dependencies: ["GuestShell", "LabEvents", nioCore, nioPosix], swiftSettings: settings),
        // vmlab is run as its users run it, several at once and killed.
        .testTarget(
            name: "BuildRegistryTests", dependencies: ["BuildRegistry", "LabEvents", "vmlab"], exclude: ["Payload"], swiftSettings: settings
        ),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "BuildRegistry", "GuestShell", "K3sCluster", "LabEvents", "NetworkProfiles", "QEMU", "Scenarios", "VDE", "VMLab", "vmlab",
                crypto,
                subprocess, system,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GuestTests",
            dependencies: ["BuildRegistry", "GuestShell", "LabEvents", "QEMU", "VDE", "VMLab", crypto, subprocess, system],
            swiftSettings: settings
        ),
        .testTarget(
            name: "K3sStandinTests",
            dependencies: ["BuildRegistry", "GuestShell", "LabEvents", "QEMU", "VMLab", subprocess, system, yams],
            exclude: ["contract.py", "nodes.sh"],
            swiftSettings: settings
        ),
        // The executables are run as their users run them, so they must be built.
        .testTarget(name: "LabTests", dependencies: ["LabEvents", "LongRun", "Reporting", "vmlab"], swiftSettings: settings),
    ]
)
