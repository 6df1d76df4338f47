import Crypto
public import SystemPackage
import Synchronization

/// A file that was copied to or from a guest.
public struct FileTransfer: Sendable, Equatable {
    /// Its size.
    public var bytes: Int
    /// SHA-256 of its content, 64 lower-case hexadecimal digits, computed on both sides and equal.
    public var sha256: String
    /// Its permission bits.
    public var mode: UInt16
    /// Wall time.
    public var duration: Duration
}

extension GuestShell {
    /// How much of a file is in memory at once.
    private static let pieceBytes = 256 << 10

    /// Copies a file of the host into the guest. The guest's file appears whole and with the right checksum, or not at all.
    ///
    /// - Parameters:
    ///   - source: the host's file.
    ///   - destination: the guest's path; an existing folder, or a path that ends in `/`, takes the file under its own name.
    ///   - mode: permission bits; those of the host's file when nil.
    /// - Throws: ``GuestShellError/transfer(node:path:reason:)``, or the loss of the guest.
    @discardableResult
    public func upload(_ source: FilePath, to destination: String, mode: UInt16? = nil) async throws -> FileTransfer {
        let file = try open(source, .readOnly, side: "host")
        defer { try? file.close() }
        let bits = try mode ?? UInt16(truncatingIfNeeded: permissions(of: source))
        let state = Mutex((hash: SHA256(), bytes: 0))
        return try await put(
            destination, name: source.lastComponent?.string ?? "file", mode: bits,
            input: .pieces {
                let piece = try [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { buffer, count in
                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                guard !piece.isEmpty else { return nil }
                state.withLock { state in
                    state.hash.update(data: piece)
                    state.bytes += piece.count
                }
                return piece
            },
            sent: { state.withLock { (Self.hex($0.hash.finalize()), $0.bytes) } }
        )
    }

    /// Writes a file in the guest from memory; see ``upload(_:to:mode:)``.
    @discardableResult
    public func write(_ bytes: [UInt8], to destination: String, mode: UInt16 = 0o644) async throws -> FileTransfer {
        try await put(destination, name: "file", mode: mode, input: .bytes(bytes)) { (Self.hex(SHA256.hash(data: bytes)), bytes.count) }
    }

    private func put(
        _ destination: String, name: String, mode: UInt16, input: GuestInput, sent: () -> (sha256: String, bytes: Int)
    ) async throws -> FileTransfer {
        let start = ContinuousClock.now
        let path = ShellQuoting.quote(destination.hasSuffix("/") ? destination + name : destination)
        let result = try await execute(
            """
            d=\(path); [ -d "$d" ] && d=$d/\(ShellQuoting.quote(name))
            t=$d.vmlab-$$
            cat >"$t" && chmod \(String(mode, radix: 8)) "$t" && sha256sum <"$t" && printf '%s\\n' "$t" "$d" || { rm -f "$t"; exit 1; }
            """,
            stdin: input
        )
        let lines = result.stdout.text.split(separator: "\n")
        guard result.succeeded, lines.count == 3 else {
            throw GuestShellError.transfer(node: node, path: destination, reason: "not written: \(Self.reason(result))")
        }
        let (sha256, bytes) = sent()
        let temporary = ShellQuoting.quote(String(lines[1]))
        guard lines[0].hasPrefix(sha256) else {
            _ = try await execute("rm -f \(temporary)")
            throw GuestShellError.transfer(node: node, path: destination, reason: "arrived with another checksum than it was sent with")
        }
        let move = try await execute("mv -f \(temporary) \(ShellQuoting.quote(String(lines[2])))")
        guard move.succeeded else {
            throw GuestShellError.transfer(node: node, path: destination, reason: "not moved into place: \(Self.reason(move))")
        }
        return FileTransfer(bytes: bytes, sha256: sha256, mode: mode, duration: start.duration(to: .now))
    }

    /// Copies a file of the guest to the host. The host's file appears whole and with the right checksum, or not at all.
    ///
    /// - Parameters:
    ///   - source: the guest's path.
    ///   - destination: the host's path; its folder must exist. The permission bits are the guest's.
    /// - Throws: ``GuestShellError/transfer(node:path:reason:)``, or the loss of the guest.
    @discardableResult
    public func download(_ source: String, to destination: FilePath) async throws -> FileTransfer {
        let temporary = FilePath(destination.string + ".vmlab-part")
        let file = try open(temporary, .writeOnly, side: "host")
        do {
            let transfer = try await fetch(source) { try file.writeAll($0) }
            try file.close()
            guard chmodAndRename(temporary, destination, mode: transfer.mode) else {
                throw GuestShellError.transfer(node: node, path: destination.string, reason: "cannot be put into place on the host")
            }
            return transfer
        } catch {
            try? file.close()
            remove(temporary)
            if let errno = error as? Errno {
                throw GuestShellError.transfer(node: node, path: destination.string, reason: "not written on the host: \(errno)")
            }
            throw error
        }
    }

    /// Reads a file of the guest into memory.
    ///
    /// - Parameter limit: the most bytes that are taken; 64 MiB by default. A larger file is an error.
    public func read(_ source: String, limit: Int = 64 << 20) async throws -> [UInt8] {
        let bytes = Mutex<[UInt8]>([])
        _ = try await fetch(source) { piece in
            let fits = bytes.withLock { bytes in
                bytes += piece
                return bytes.count <= limit
            }
            guard fits else { throw GuestShellError.transfer(node: self.node, path: source, reason: "larger than \(limit) bytes") }
        }
        return bytes.withLock { $0 }
    }

    private func fetch(_ source: String, _ take: @escaping @Sendable ([UInt8]) throws -> Void) async throws -> FileTransfer {
        let start = ContinuousClock.now
        let state = Mutex((hash: SHA256(), bytes: 0))
        var request = CommandRequest(
            """
            p=\(ShellQuoting.quote(source)); [ -d "$p" ] && { echo 'is a folder' >&2; exit 1; }
            cat "$p" && { stat -c %a "$p" || echo 644; sha256sum <"$p"; } >&2
            """
        )
        request.captureLimit = 4096
        request.onOutput = { piece in
            guard piece.stream == .stdout else { return }
            state.withLock { state in
                state.hash.update(data: piece.bytes)
                state.bytes += piece.bytes.count
            }
            try take(piece.bytes)
        }
        let result = try await execute(request)
        let lines = result.stderr.text.split(separator: "\n")
        guard result.succeeded, lines.count >= 2, let mode = UInt16(lines[lines.count - 2], radix: 8) else {
            throw GuestShellError.transfer(node: node, path: source, reason: "not read: \(Self.reason(result))")
        }
        let (sha256, bytes) = state.withLock { (Self.hex($0.hash.finalize()), $0.bytes) }
        guard lines[lines.count - 1].hasPrefix(sha256) else {
            throw GuestShellError.transfer(
                node: node, path: source, reason: "arrived with another checksum than the guest computed (is it being written?)")
        }
        return FileTransfer(bytes: bytes, sha256: sha256, mode: mode, duration: start.duration(to: .now))
    }

    private func open(_ path: FilePath, _ mode: FileDescriptor.AccessMode, side: String) throws -> FileDescriptor {
        do {
            return mode == .readOnly
                ? try FileDescriptor.open(path, mode)
                : try FileDescriptor.open(path, mode, options: [.create, .truncate], permissions: [.ownerReadWrite])
        } catch {
            throw GuestShellError.transfer(node: node, path: path.string, reason: "cannot be opened on the \(side): \(error)")
        }
    }

    private static func reason(_ result: CommandResult) -> String {
        let line = result.stderr.trimmed.split(separator: "\n").last.map(String.init)
        return line ?? "\(result.outcome)"
    }

    private static func hex(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef")
        return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
