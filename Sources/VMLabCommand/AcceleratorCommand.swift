public import ArgumentParser
import BuildRegistry
import FoundationEssentials
import LabEvents
public import QEMU

/// `vmlab accel`: what runs guests on this host, found by running one.
struct AcceleratorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accel", abstract: "Say which accelerator guests get on this host, and why.",
        discussion:
            "A tiny guest is started under KVM; only its own answer counts, not that /dev/kvm exists. Asked once per boot of the host."
    )

    @Flag(help: "Print JSON.")
    var json = false

    private struct Report: Encodable {
        var accelerator: String
        var reason: String?
    }

    func run() async throws {
        let choice = try await AcceleratorOption.choose(nil)
        if json {
            let report = Report(accelerator: choice.accelerator.rawValue, reason: choice.reason)
            Terminal.print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
        } else {
            Terminal.print(choice.accelerator.rawValue + (choice.reason.map { ": \($0)" } ?? ": a guest runs under KVM"))
        }
    }
}

extension Accelerator: ExpressibleByArgument {}

/// The accelerator of a run, from its flag.
enum AcceleratorOption {
    /// Probes where that is needed; the probe's result is cached beside the images until the host restarts.
    static func choose(_ requested: Accelerator?) async throws -> AcceleratorChoice {
        try await Accelerator.choose(requested: requested, probe: AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator"))
    }
}
