import Glibc
import LabEvents

extension Node {
    /// Reads the serial console of the present boot from its first line on, as the run directory has it, and goes on as it grows, until `take` wants no more or
    /// the task is cancelled.
    ///
    /// - Parameter take: gets each line; the one that has no end yet, such as a login prompt, again and again as it grows. True ends the reading.
    package func followConsole(_ take: (_ line: String, _ isWhole: Bool) throws -> Bool) async rethrows {
        let path = "\(files.folder)/serial-\(boot).log"
        var descriptor: Int32 = -1
        defer { if descriptor >= 0 { _ = close(descriptor) } }
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        for await _ in context.watch.changes(in: files.folder).stream {
            if descriptor < 0 { descriptor = open(path, O_RDONLY | O_CLOEXEC) }
            guard descriptor >= 0 else { continue }
            while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
                for byte in buffer[..<count] {
                    // A guest that never ends its line must not grow our memory.
                    guard byte == UInt8(ascii: "\n") || line.count >= 4096 else {
                        if byte != UInt8(ascii: "\r") { line.append(byte) }
                        continue
                    }
                    if try take(String(decoding: line, as: UTF8.self), true) { return }
                    line.removeAll(keepingCapacity: true)
                }
            }
            if !line.isEmpty, try take(String(decoding: line, as: UTF8.self), false) { return }
        }
    }
}
