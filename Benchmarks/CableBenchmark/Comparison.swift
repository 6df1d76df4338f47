import Foundation
import Glibc
import LabEvents
import Synchronization
import VDE

/// The measurements, and what they say.
struct Comparison {
    private struct Side {
        var rates = Series()
        /// Microseconds of processor time of the process in the middle, for each frame that came through.
        var costs = Series()
    }

    let rounds: Int
    let target: Double

    /// - Returns: whether the target is met.
    func run() async throws -> Bool {
        let folder = NSTemporaryDirectory() + "cable-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let options = SwitchOptions(log: folder + "/log")
        let configuration = { (name: String) in
            SwitchConfiguration(name: name, socketFolder: "\(folder)/\(name)", managementSocket: "\(folder)/\(name).m", ports: 4)
        }
        return try await withVDESwitch(configuration("a"), options: options) { _ in
            try await withVDESwitch(configuration("b"), options: options) { _ in
                print("frames a second, median (quartiles), and processor time of what is between the switches; \(rounds) pairs each")
                var (ratios, wins) = ([Double](), 0)
                for load in Load.all {
                    let (ratio, won) = try await compare(load, folder)
                    ratios.append(contentsOf: ratio)
                    wins += won
                }
                return judge(ratios, wins)
            }
        }
    }

    private func compare(_ load: Load, _ folder: String) async throws -> (ratios: [Double], wins: Int) {
        var (wirefilter, cable) = (Side(), Side())
        var ratios: [Double] = []
        // In turns, so that what else the host does meets both; and each comes first as often as the other.
        for round in 0..<rounds {
            let order = round.isMultiple(of: 2) ? [Carrier.wirefilter, .cable] : [.cable, .wirefilter]
            var rates: [Carrier: Double] = [:]
            for carrier in order {
                let (rate, cost) = try await measure(carrier, load, folder)
                rates[carrier] = rate
                if carrier == .cable {
                    cable.rates.append(rate)
                    cable.costs.append(cost)
                } else {
                    wirefilter.rates.append(rate)
                    wirefilter.costs.append(cost)
                }
            }
            if let one = rates[.cable], let other = rates[.wirefilter] { ratios.append(one / other) }
        }
        let wins = ratios.count { $0 >= 1 }
        var ratio = Series()
        for value in ratios { ratio.append(value) }
        print("\(load)")
        for (name, side) in [("wirefilter", wirefilter), ("cable", cable)] {
            let quartiles = [0.5, 0.25, 0.75].map { String(format: "%.0f", side.rates.quantile($0)) }
            print(
                "    \(name.padding(toLength: 10, withPad: " ", startingAt: 0))  \(quartiles[0]) (\(quartiles[1])-\(quartiles[2]))  "
                    + String(format: "%.1f us a frame", side.costs.median))
        }
        print(String(format: "    median of the ratios %.2f, the cable carries more in %d of %d pairs", ratio.median, wins, ratios.count))
        return (ratios, wins)
    }

    /// One measurement with a carrier that is started for it.
    private func measure(_ carrier: Carrier, _ load: Load, _ folder: String) async throws -> (rate: Double, cost: Double) {
        try await carrier.run(in: folder) { process in
            let meter = try FrameMeter(
                from: PortPlace(folder: folder + "/a", port: 1), to: PortPlace(folder: folder + "/b", port: 1), load: load)
            let before = Mutex(CarrierTime())
            let reading = await meter.measure(for: .milliseconds(200)) { before.withLock { $0 = CarrierTime(process) } }
            guard reading.frames > 0 else {
                throw Problem(.failure, "no frame comes through \(carrier.rawValue)", location: folder)
            }
            let used = CarrierTime(process).microseconds(since: before.withLock { $0 })
            return (reading.rate, used / Double(reading.frames))
        }
    }

    private func judge(_ ratios: [Double], _ wins: Int) -> Bool {
        let logarithms = ratios.map { log($0) }
        let mean = logarithms.reduce(0, +) / Double(logarithms.count)
        let deviation = (logarithms.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(logarithms.count - 1)).squareRoot()
        let error = 2 * deviation / Double(logarithms.count).squareRoot()
        // Not below the target by more than chance.
        let isMet = exp(mean + error) >= target
        print(
            String(
                format: "%@ over all, the cable carries %.3f times what wirefilter does (95 %%: %.3f to %.3f), more in %d of %d pairs",
                isMet ? "met    " : "missed ", exp(mean), exp(mean - error), exp(mean + error), wins, ratios.count))
        return isMet
    }
}
