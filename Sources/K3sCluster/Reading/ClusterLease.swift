import FoundationEssentials
import LabEvents

/// A Lease object of the Kubernetes API, as far as it says who holds it.
struct ClusterLease: Sendable, Equatable {
    /// `NAME_UID`; nil while nobody holds it.
    var identity: String?
    /// When it was renewed last, by the clock of its holder.
    var renewed: String?

    /// From what `/apis/coordination.k8s.io/v1/namespaces/NAMESPACE/leases/NAME` answers.
    ///
    /// - Throws: a ``LabEvents/Problem`` with the answer's beginning when it is no lease.
    init(_ json: [UInt8]) throws(Problem) {
        do {
            let spec = try JSONDecoder().decode(Object.self, from: Data(json)).spec
            (identity, renewed) = (spec.holderIdentity, spec.renewTime)
        } catch {
            throw Problem(.failure, "no lease", why: "the answer was '\(String(decoding: json.prefix(200), as: UTF8.self))'")
        }
    }

    /// The host that holds it: controllers put `_` and a UUID behind its name.
    var host: String? { identity.map { String($0.prefix { $0 != "_" }) } }

    private struct Object: Decodable {
        struct Spec: Decodable {
            var holderIdentity: String?
            var renewTime: String?
        }
        var spec: Spec
    }
}
