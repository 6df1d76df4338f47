/// One guest image as data: what `images/NAME.yaml` says.
///
/// The keys of the file have the names of the properties here. Sizes are in MiB. Everything in it takes part in the key of the
/// built image, so a changed byte makes a new image and leaves the old one alone.
public struct ImageDescription: Sendable, Codable, Equatable {
    /// How the root file system of an image lives.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// All of it is the initramfs; the disk holds only data.
        case initramfs
        /// A root file system on the disk; the initramfs only finds it.
        case disk
    }

    /// The name that `vmlab boot NAME` takes: lower-case letters, digits and `-`, equal to the file's name.
    public var name: String
    /// What the image is for, one or two sentences.
    public var intent: String
    /// Where the root file system lives.
    public var kind: Kind
    /// The package set that mmdebstrap starts from (`--variant`). An `initramfs` takes `extract` (no maintainer script runs), a `disk` any but that.
    public var variant: String
    /// The packages per distribution, by the `ID` of os-release (`debian`, `ubuntu`). One of them is a kernel, `linux-image-…`.
    public var packages: [String: [String]]
    /// Kind `initramfs`: the programs to take, as path in the image to path in the packages. The shared libraries that they need
    /// come along, to `/lib`.
    public var programs: [String: String]
    /// Kind `initramfs`: the path in the image of a busybox whose applets all get a symbolic link. Nil: no links.
    public var applets: String?
    /// Kernel modules that the initramfs has, by name; what they need comes along. One that is built into the kernel is skipped.
    public var modules: [String]
    /// As ``modules``, but a kernel without it is no error.
    public var optionalModules: [String]
    /// Kind `initramfs`: the modules that `/etc/modules` lists for the guest to load, in this order. Default: all of ``modules``.
    public var loadModules: [String]
    /// Folders that the image has, absolute, mode 0755.
    public var folders: [String]
    /// Files that the image has, absolute. The key `trees` adds all files of a folder beside the description.
    public var files: [File]
    /// Symbolic links, as absolute path to target.
    public var symlinks: [String: String]
    /// Kind `disk`: what a shell runs in the finished system, in this order, for example to compile what ``files`` brought. Nil for nothing: then the
    /// image's key is what it was before there were commands.
    public var commands: [String]?
    /// systemd units to switch. Kind `disk` only.
    public var units: Units
    /// Users who get a password. Kind `disk`: they exist in the packages. Kind `initramfs`: root only.
    public var users: [User]
    /// The disk beside kernel and initramfs.
    public var disk: Disk
    /// The kernel command line, the same for direct boot, BIOS and UEFI.
    public var kernelCommandLine: String
    /// Memory that a guest gets unless asked otherwise, MiB.
    public var memoryMiB: Int
    /// Virtual CPUs that a guest gets unless asked otherwise.
    public var vcpus: Int
    /// The ways to a first root shell that the image offers.
    public var consoles: GuestConsoles
    /// Free space that a build needs under the cache, MiB; checked before it starts.
    public var buildSpaceMiB: Int

    /// A file of the image.
    public struct File: Sendable, Codable, Equatable {
        /// Where it lies in the image, absolute.
        public var path: String
        /// Its permission bits, in the description as four octal digits in quotes. Default 0644.
        public var mode: UInt32
        /// Its content, written as it stands.
        public var content: String
    }

    /// What happens to systemd units.
    public struct Units: Sendable, Codable, Equatable {
        /// Units to start at boot.
        public var enable: [String] = []
        /// Units that the packages would start and the image does not.
        public var disable: [String] = []
        /// Units that nothing can start.
        public var mask: [String] = []
    }

    /// A user with a password.
    public struct User: Sendable, Codable, Equatable {
        /// The login name.
        public var name: String
        /// The password, in clear: test images are no secret. Letters, digits, `.`, `_` and `-`.
        public var password: String
    }

    /// Root slots: ext4 partitions with the labels `slot-NAME`. The first holds the same files as the initramfs, the others nothing.
    ///
    /// Each has an entry of systemd-boot, `NAME.conf`, whose kernel command line ends with `vmlab.slot=NAME`; what that means is for the image's `/init` to say.
    /// The boot loader starts the first one, unless the UEFI variables `LoaderEntryDefault` or `LoaderEntryOneShot` name another
    /// (systemd.io/BOOT_LOADER_INTERFACE). So such an image boots by UEFI alone.
    public struct Slots: Sendable, Codable, Equatable {
        /// The slots' names, at least two: lower-case letters and digits.
        public var names: [String]
        /// Size of each, MiB.
        public var sizeMiB: Int
    }

    /// The ways in which a machine with this image can find its kernel, the quickest first.
    public var bootModes: [BootMode] { disk.slots == nil ? [.direct, .bios, .uefi] : [.uefi] }

    /// The GPT disk of an image: an EFI system partition with kernel, initramfs and both boot loaders, then one ext4 partition, then those of slots.
    public struct Disk: Sendable, Codable, Equatable {
        /// Size of the EFI system partition, MiB, at least 36.
        public var espMiB: Int
        /// Label of the ext4 file system, at most 16 bytes: the root of kind `disk`, empty data of kind `initramfs`.
        public var label: String
        /// Size of the ext4 partition, MiB. The qcow2 file only grows by what is in it.
        public var sizeMiB: Int
        /// Kind `initramfs`: root slots, of which one is in use and another may be written meanwhile. Nil for none.
        public var slots: Slots?
    }
}

/// The ways to a first root shell in a guest.
public struct GuestConsoles: Sendable, Codable, Equatable {
    /// The virtio console that a root shell reads from, for example `hvc0`, in the manner of the common NixOS test backdoor.
    public var backdoor: String?
    /// A console with a login.
    public var login: Login?

    /// A console with a login.
    public struct Login: Sendable, Codable, Equatable {
        /// The terminal, for example `ttyS0`.
        public var device: String
        /// Who logs in.
        public var user: String
        /// The user's password; nil where it is not known or none is asked.
        public var password: String?

        /// A login from its parts.
        public init(device: String, user: String, password: String? = nil) {
            self.device = device
            self.user = user
            self.password = password
        }
    }

    /// Consoles from their parts; none unless given.
    public init(backdoor: String? = nil, login: Login? = nil) {
        self.backdoor = backdoor
        self.login = login
    }
}
