import GuestShell
import LabEvents
import NetworkProfiles
import Phases
import VDE
public import VMLab

extension Scenario {
    /// An update comes over a network that fails meanwhile.
    public static let updateNetwork = Scenario(
        "update-network",
        intent:
            "A device with two root slots fetches its update from a depot by HTTP over the cluster network, 20 Mbit/s fast; the cable is cut in the middle, and the "
            + "fetch goes on where it was. A damaged bundle is refused; the right one is applied, booted, reaches the depot, and is kept.",
        network: .any(otherwise: "depot", "device"), nodes: 2, image: "mini-ab", cables: true, tags: ["update", "network", "faults"],
        budgets: [Budget("scenario", .seconds(900))]
    ) {
        Phase.boot
        Phase.network
        Phase.reachability
        Phase("depot") { lab in
            let depot = try BundleDepot(lab)
            let bundle = try await SlottedNode(node: depot.server).makeBundle("\(BundleDepot.folder)/bundle-2.tar", version: 2)
            try await depot.serve()
            return bundle.text
        }
        Phase("fetch with a cut") { lab in
            let depot = try BundleDepot(lab)
            let slow = Fault.impair(
                cables: depot.cards(of: depot.server), direction: .forward, with: Impairments(rate: .init(bitsPerSecond: 20_000_000)))
            return try await lab.withFault(slow) { try await depot.fetchWithCut(.bundle(2)) }
        }
        Phase("a damaged bundle") { lab in try await SlottedNode(node: try BundleDepot(lab).device).refuseDamaged(.bundle(2)) }
        Phase("apply") { lab in
            let device = SlottedNode(node: try BundleDepot(lab).device)
            let slot = try await device.apply(try await device.bundle(.bundle(2)))
            return "written to slot \(slot), every file compared; running: \(try await device.expect("a", version: 1))"
        }
        Phase("boot switch") { lab in
            let depot = try BundleDepot(lab)
            let device = SlottedNode(node: depot.device)
            try await device.bootOnce("b")
            try await device.node.reboot()
            return try await device.expect("b", version: 2)
        }
        Phase("keep") { lab in
            let depot = try BundleDepot(lab)
            let device = SlottedNode(node: depot.device)
            // The image makes no network by itself. A new system that does not reach the depot would be the last one.
            try await lab.configureNetwork(of: device.node)
            try await device.node.waitUntilSucceeds("wget -q -O /tmp/manifest \(depot.url).manifest", .answer)
            guard try await device.keepOrGoBack() else { throw Problem(.failure, "version 2 does not call itself healthy") }
            try await device.node.reboot()
            try await lab.configureNetwork(of: device.node)
            return "reaches the depot; after another reboot \(try await device.expect("b", version: 2))"
        }
    }
}

/// A node that has bundles for others.
private struct BundleDepot: Sendable {
    static let folder = "/data/www"
    private static let port = 8080

    let lab: Lab
    let server: Node
    let device: Node
    let url: String

    init(_ lab: Lab) throws {
        self.lab = lab
        (server, device) = (lab.clusterNodes[0], lab.clusterNodes[1])
        url = "http://\(try lab.address(of: server, for: device)):\(Self.port)/bundle-2.tar"
    }

    func cards(of node: Node) -> [String] { (node.network?.cards ?? []).map { "\(node.name).\($0.link.name)" } }

    func serve() async throws {
        try await server.succeed("netstat -ltn | grep -q ':\(Self.port) ' || httpd -p \(Self.port) -h \(Self.folder)")
        try await server.waitUntilListening(port: Self.port)
    }

    /// Fetches the bundle, and cuts the cable when a third of it is there.
    ///
    /// - Returns: what was seen.
    func fetchWithCut(_ path: String) async throws -> String {
        try await device.succeed("rm -f \(path)*; wget -q -O \(path).manifest \(url).manifest")
        let bundle = try await SlottedNode(node: device).bundle(path)
        let agent = "/run/fetch"
        try await device.succeed(
            """
            cat >\(agent) <<'END'
            # Fetches again and again, each time from where it was, and gives a connection up on which nothing has come for 4 s.
            size() { stat -c %s \(path) 2>/dev/null || echo 0; }
            while :; do
            echo "from $(size)"
            wget -q -c -O \(path) \(url) &
            wget=$! last= silent=0
            while [ -d /proc/$wget ] && [ $silent -lt 8 ]; do
            sleep 0.5
            now=$(size)
            if [ "$now" = "$last" ]; then silent=$((silent + 1)); else silent=0 last=$now; fi
            done
            kill $wget 2>/dev/null
            wait $wget && { echo "whole $(size)"; exit 0; }
            echo "gave up at $(size)"
            done
            END
            bash \(agent) >\(agent).log 2>&1 </dev/null & echo $! >\(agent).pid
            """)
        do {
            try await device.waitUntilSucceeds("[ $(stat -c %s \(path) || echo 0) -ge \(bundle.bytes / 3) ]", Budget("fetch", .seconds(60)))
            let cut = try await lab.withFault(.cut(cards: cards(of: device))) {
                try await device.waitUntilSucceeds("grep -q '^gave up at' \(agent).log", Budget("fetch", .seconds(60)))
                return try await device.succeed("stat -c %s \(path)").stdout.trimmed
            }
            guard let part = Int(cut), part < bundle.bytes else {
                throw Problem(.failure, "the cut came too late: all of the bundle was there", why: "\(cut) of \(bundle.bytes) bytes")
            }
            // What comes through the device's card from now on shows whether the fetch began anew.
            let before = try await received()
            try await device.waitUntilSucceeds("grep -q '^whole' \(agent).log", Budget("fetch", .seconds(120)))
            let rest = try await received() - before
            let missing = bundle.bytes - part
            guard rest < missing + bundle.bytes / 5 else {
                throw Problem(
                    .failure, "the fetch began anew after the cut", why: "\(missing) bytes were missing, and \(rest) came",
                    remedy: "the server must answer a Range with status 206")
            }
            let sum = try await device.succeed("sha256sum <\(path) | cut -d' ' -f1", timeout: Budget.update.scaled(by: device.pace)).stdout
                .trimmed
            guard sum == bundle.sha256 else {
                throw Problem(
                    .failure, "the bundle is not what the depot has", why: "SHA-256 \(sum.prefix(12))…, not \(bundle.sha256.prefix(12))…")
            }
            return "cut at \(part) of \(bundle.bytes) bytes; then \(rest) bytes came on the wire for the \(missing) that were missing; "
                + "SHA-256 \(sum.prefix(12))…"
        } catch {
            _ = try? await device.execute("kill $(cat \(agent).pid) 2>/dev/null; cat \(agent).log >&2; killall wget")
            throw error
        }
    }

    /// Bytes that came to the device's cards.
    private func received() async throws -> Int {
        let files = (device.network?.cards ?? []).map { "/sys/class/net/\($0.link.name)/statistics/rx_bytes" }.joined(separator: " ")
        let lines = try await device.run("cat \(files)").stdout.trimmed.split(separator: "\n").compactMap { Int($0) }
        return lines.reduce(0, +)
    }
}
