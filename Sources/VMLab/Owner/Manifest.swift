import BuildRegistry
import FoundationEssentials
import LabEvents
import QEMU
import Subprocess

/// What a run was: manifest.json, written before the first boot and completed at the end.
struct Manifest: Sendable, Codable {
    /// The version of this form.
    var schema = 1
    var run: String
    /// vmlab's version and build.
    var version: String
    var build: String
    var scenario: String
    var seed: UInt64
    var request: RunRequest
    /// The digest of the plan; the plan itself is plan.json.
    var plan: String
    var accelerator: String
    /// With the pace before the lab.
    var host: HostCapacity
    /// The worst pace while the lab lived: the one before it times the scheduling lag.
    var worstPace: Double?
    var images: [Image]
    /// Versions of the programs that ran, by their names.
    var tools: [String: String]
    /// The variables of ``allowed`` that were set.
    var environment: [String: String]
    var startedAt: String
    var finishedAt: String?
    var outcome: LabEvent.RunFinished?

    struct Image: Sendable, Codable {
        var name: String
        var key: String
        var digest: String?
    }

    /// The variables that are worth knowing and hold no secret.
    private static let allowed: Set<String> = [
        "CI", "GITHUB_ACTIONS", "GITHUB_JOB", "GITHUB_REF", "GITHUB_REPOSITORY", "GITHUB_RUN_ATTEMPT", "GITHUB_RUN_ID", "GITHUB_SHA",
        "GITHUB_WORKFLOW", "GITLAB_CI", "CI_COMMIT_SHA", "CI_JOB_ID", "CI_JOB_NAME", "CI_PIPELINE_ID", "LANG", "LC_ALL", "RUNNER_NAME",
        "RUNNER_OS",
        "TERM", "TZ", "VMLAB_ACCEL", "VMLAB_CACHE", "VMLAB_STATE", "WSL_DISTRO_NAME", "XDG_RUNTIME_DIR",
    ]

    static func begin(run: RunDirectory, request: RunRequest, plan: LabPlan, images: [String: BootableImage]) async throws -> Manifest {
        var tools: [String: String] = [:]
        for (name, words) in [("qemu", ["qemu-system-x86_64", "--version"]), ("vde_switch", ["vde_switch", "--version"])] {
            let output = try? await Subprocess.run(
                .name(words[0]), arguments: Arguments(Array(words.dropFirst())), input: .none, output: .string(limit: 4096),
                error: .combinedWithOutput)
            tools[name] = output?.standardOutput.split(separator: "\n").first.map(String.init)
        }
        return Manifest(
            run: run.identifier, version: Build.version, build: Build.identifier, scenario: plan.scenario, seed: plan.seed,
            request: request,
            plan: plan.digest, accelerator: plan.accelerator.rawValue, host: plan.host,
            images: plan.images.map { Image(name: $0.name, key: $0.key, digest: images[$0.key]?.digest) }, tools: tools,
            environment: ProcessInfo.processInfo.environment.filter { allowed.contains($0.key) },
            startedAt: Date().formatted(.iso8601))
    }

    /// Completes the manifest of a run that ended, if it has one.
    static func complete(_ run: RunDirectory, outcome: LabEvent.RunFinished, worstPace: Double? = nil, redactor: Redactor) {
        guard let bytes = try? Data(contentsOf: URL(filePath: path(run))),
            var manifest = try? JSONDecoder().decode(Manifest.self, from: bytes)
        else { return }
        manifest.finishedAt = Date().formatted(.iso8601)
        manifest.outcome = outcome
        manifest.worstPace = worstPace.map { $0.rounded(to: 2) }
        try? manifest.write(to: run, redactor: redactor)
    }

    func write(to run: RunDirectory, redactor: Redactor) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(self)), to: Self.path(run), redactor: redactor)
    }

    private static func path(_ run: RunDirectory) -> String { run.path + "/manifest.json" }
}
