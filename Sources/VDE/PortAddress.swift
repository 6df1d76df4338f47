import LabEvents

/// A port of a switch, as a client of the switch names it.
public struct PortAddress: Sendable, Hashable, Codable {
    /// The socket folder of the switch, an absolute path.
    public var switchFolder: String
    /// The port's number, from 1.
    public var port: Int

    /// An address from its parts.
    public init(switchFolder: String, port: Int) { (self.switchFolder, self.port) = (switchFolder, port) }

    /// The address as libvdeplug reads it, `FOLDER[PORT]`.
    var plug: String { "\(switchFolder)[\(port)]" }

    /// Checks what libvdeplug would misunderstand: port 0 is any port there, a long path is cut off, and a name may mean an option, a type
    /// of network, or the other end of a trunk.
    ///
    /// - Throws: a problem of kind `invalidInput`.
    func validate() throws(Problem) {
        let why: String
        if !(1...SwitchConfiguration.portLimit).contains(port) {
            why = "ports are 1 to \(SwitchConfiguration.portLimit)"
        } else if !switchFolder.hasPrefix("/") || switchFolder.utf8.contains(where: { $0 < 0x20 || "[],:".utf8.contains($0) }) {
            why = "the folder's path is relative, or has a bracket, comma, colon or control character"
        } else if switchFolder.utf8.count > SwitchConfiguration.folderLimit {
            why = "the folder's path has more than \(SwitchConfiguration.folderLimit) bytes"
        } else {
            return
        }
        throw Problem(.invalidInput, "there can be no port \(port) of this switch", location: switchFolder, why: why)
    }
}
