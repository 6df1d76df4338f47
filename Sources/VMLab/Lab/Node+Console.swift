import Glibc
import LabEvents
import QEMU

extension Node {
    /// Reads the serial console of the present boot from its first line on, as the run directory has it, and goes on as it grows, until `take` wants no more or
    /// the task is cancelled.
    ///
    /// - Parameter take: gets each line without its end. True ends the reading.
    package func followConsole(_ take: (String) -> Bool) async {
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
                    if take(String(decoding: line, as: UTF8.self)) { return }
                    line.removeAll(keepingCapacity: true)
                }
            }
        }
    }

    /// Reads the console's last line while it has no end yet, such as a login prompt, as it grows, until `take` wants no more or the task is cancelled.
    ///
    /// - Parameter take: gets the line. It has not passed the redactor, which waits for whole lines, so it must not be shown to anybody.
    package func followPrompt(_ take: (String) -> Bool) async {
        guard let guest = try? machine().guest else { return }
        let path = guest.configuration.serial.logPath(boot: guest.boot)
        for await _ in context.watch.changes(in: files.sockets).stream {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { _ = close(descriptor) }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let size = lseek(descriptor, 0, SEEK_END)
            let count = pread(descriptor, &buffer, buffer.count, max(0, size - buffer.count))
            let line = buffer[..<max(0, count)].reversed().prefix { $0 != UInt8(ascii: "\n") }.reversed().filter {
                $0 != UInt8(ascii: "\r")
            }
            if !line.isEmpty, take(String(decoding: line, as: UTF8.self)) { return }
        }
    }
}
