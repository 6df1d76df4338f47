internal import Crypto
public import FoundationEssentials
import LabEvents

extension QEMUConfiguration {
    /// The UUID of a node: the same in every run of a lab. Version 8 of RFC 9562, over SHA-256 of the names.
    public static func uuid(lab: String, node: String) -> UUID {
        var b = SHA256.hash(names: ["vmlab-uuid", lab, node])
        b[6] = b[6] & 0x0f | 0x80
        b[8] = b[8] & 0x3f | 0x80
        return UUID(uuid: (b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]))
    }
}
