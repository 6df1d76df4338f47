import LabEvents

extension ArtifactInspection {
    /// Checks a program in one of a raw disk's ext2, ext3 or ext4 partitions.
    func checkProgram(_ program: String, inDisk path: String, _ table: PartitionTable, _ output: ImageOutput, _ source: String) async throws
    {
        try tools.require(["debugfs"], for: "looking into an image")
        let target = scratch + "/program"
        for offset in table.starts {
            Folder.remove(target)
            // debugfs takes the offset of a file system as an I/O option behind the name, as ext2fs_open2 does; dump says nothing of failure in its status.
            let dump = ["debugfs", "-R", "dump \(program) \(target)", "\(path)?offset=\(offset)"]
            _ = try await ToolRunner(tools: tools).outcome(dump)
            guard Folder.exists(target) else { continue }
            defer { Folder.remove(target) }
            return try check(program, try Self.prefix(of: target, BinaryMachine.prefixBytes), output, source)
        }
        throw missing(program, output, source, why: "none of its \(table.starts.count) partitions has it in an ext4 file system")
    }

    /// Checks a program in a tar archive.
    func checkProgram(_ program: String, inArchive path: String, _ output: ImageOutput, _ source: String) async throws {
        let target = scratch + "/programs"
        defer { Folder.remove(target) }
        for name in ["." + program, String(program.dropFirst())] {
            Folder.remove(target)
            try Folder.create(target)
            let outcome = try await ToolRunner(tools: tools).outcome([
                "tar", "-xf", path, "-C", target, "--no-same-owner", "--occurrence=1", "--", name,
            ])
            if outcome.lacksSpace {
                throw ToolRunner.diskFull(while: "looking into an archive", at: target, why: outcome.tail.joined(separator: "\n"))
            }
            guard outcome.succeeded else { continue }
            return try check(program, try Self.prefix(of: target + program, BinaryMachine.prefixBytes), output, source)
        }
        throw missing(program, output, source, why: "the archive has no such file, or cannot be read")
    }

    private func missing(_ program: String, _ output: ImageOutput, _ source: String, why: String) -> Problem {
        refusal(
            "lacks the program \(program)", output, source, why: why, remedy: "correct the image, or `programs` at \(variant.source)")
    }
}
