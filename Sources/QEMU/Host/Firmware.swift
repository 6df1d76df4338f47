import FoundationEssentials
public import LabEvents

/// The UEFI firmware of the host: OVMF's code and its pristine variables.
public struct Firmware: Equatable, Sendable {
    /// The code, shared by all guests and mapped read-only.
    public var code: String
    /// The variables as the firmware ships them; every run works on its own copy.
    public var variablesTemplate: String

    /// Where Debian and Ubuntu (package ovmf) put OVMF, the 4 MB build first: newer releases ship only that one. The two files of a pair
    /// belong together.
    static let candidates = [
        Firmware(code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variablesTemplate: "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        Firmware(code: "/usr/share/OVMF/OVMF_CODE.fd", variablesTemplate: "/usr/share/OVMF/OVMF_VARS.fd"),
        Firmware(code: "/usr/share/ovmf/OVMF_CODE.fd", variablesTemplate: "/usr/share/ovmf/OVMF_VARS.fd"),
    ]

    /// Finds OVMF.
    ///
    /// - Parameter root: the folder that stands for `/`.
    /// - Throws: an environment problem with the key `firmware-missing` when no pair is there.
    public static func locate(root: String = "") throws(Problem) -> Firmware {
        for candidate in candidates {
            let firmware = Firmware(code: root + candidate.code, variablesTemplate: root + candidate.variablesTemplate)
            if FileManager.default.isReadableFile(atPath: firmware.code),
                FileManager.default.isReadableFile(atPath: firmware.variablesTemplate)
            {
                return firmware
            }
        }
        throw .environment(
            .firmwareMissing, "no UEFI firmware (OVMF) is installed",
            why: "none of these is readable: "
                + candidates.map { root + $0.code }.joined(separator: ", "),
            remedy: "sudo apt-get install ovmf")
    }

    /// The firmware for one run: makes the run's copy of the variables, or keeps the one that is there, so that variables survive a restart
    /// of QEMU.
    ///
    /// - Throws: a problem of kind `environment` (`disk-full`) or `failure` with the reason when the copy cannot be made.
    public func prepare(variables path: String) throws(Problem) -> BootFirmware {
        guard !FileManager.default.fileExists(atPath: path) else { return .uefi(code: code, variables: path) }
        do {
            let bytes = try Data(contentsOf: URL(filePath: variablesTemplate))
            // Written aside and renamed, so that a copy that was cut short is never taken for this run's variables.
            try bytes.write(to: URL(filePath: path), options: .atomic)
        } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
            throw .environment(.diskFull, "no space for the UEFI variables", location: path, why: "\(error)", remedy: "free some space")
        } catch {
            throw Problem(.failure, "cannot copy the UEFI variables", location: path, why: "\(error)")
        }
        return .uefi(code: code, variables: path)
    }
}
