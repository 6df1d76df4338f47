public import LabEvents

extension HostTool {
    /// QEMU for x86-64 guests.
    public static let qemu = HostTool(name: "qemu-system-x86_64", package: "qemu-system-x86")
    /// QEMU's image tool.
    public static let qemuImage = HostTool(name: "qemu-img", package: "qemu-utils")
}
