import FoundationEssentials
import NIOCore

/// Reaches the guest through qemu-guest-agent: the way into stock cloud images, which have neither a backdoor nor a known password.
///
/// Protocol: https://www.qemu.org/docs/master/interop/qemu-ga-ref.html, JSON objects by line; `guest-sync-delimited` first, whose answer is preceded by the
/// byte 0xFF, since an earlier client may have left something unread.
struct AgentBootstrap: Sendable {
    let connection: PortConnection

    /// How often the agent is asked until it runs.
    private static let interval = Duration.seconds(2)

    private struct Reply: Decodable {
        struct Failure: Decodable {
            var desc: String
        }
        struct Value: Decodable {
            var pid: Int?
            var exited: Bool?
            var exitcode: Int?
            var outData: String?
            enum CodingKeys: String, CodingKey {
                case pid, exited, exitcode
                case outData = "out-data"
            }
        }
        var value: Value?
        var error: Failure?
        /// The id of the question; nil for the complaints that late copies of `guest-sync-delimited` may still bring.
        var id: Int?
        enum CodingKeys: String, CodingKey {
            case value = "return"
            case error, id
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            error = try container.decodeIfPresent(Failure.self, forKey: .error)
            id = try? container.decode(Int.self, forKey: .id)
            value = try? container.decode(Value.self, forKey: .value)
        }
    }

    private struct Command<Arguments: Encodable>: Encodable {
        var execute: String
        var arguments: Arguments
        var id: Int?
    }

    private struct Execute: Encodable {
        var path = "/bin/sh"
        var arg: [String]
        var captureOutput = true
        enum CodingKeys: String, CodingKey {
            case path, arg
            case captureOutput = "capture-output"
        }
    }

    private struct Process: Encodable {
        var pid: Int
    }

    private struct Sync: Encodable {
        var id: Int
    }

    /// Talks to the agent until the control shell is there.
    func run() async throws {
        let port = LinePort(connection)
        try await synchronise(port)
        let started = try await ask(port, "guest-exec", Execute(arg: ["-c", GuestScripts.agentBootstrap()]))
        guard let pid = started.pid else { throw ConsoleBootstrap.Refused(reason: "guest-exec gave no process id") }
        while true {
            let status = try await ask(port, "guest-exec-status", Process(pid: pid))
            guard status.exited == true else {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            let output = status.outData.flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
            let word = output.split(separator: "\n").last.map(String.init) ?? "no answer"
            guard word == "ok" || word == "port-busy" else { throw ConsoleBootstrap.Refused(reason: word) }
            return
        }
    }

    /// Repeats the question until the agent runs and gives the answer to this very question.
    private func synchronise(_ port: LinePort) async throws {
        let id = Int.random(in: 1...Int(Int32.max))
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                while true {
                    var bytes = ByteBuffer(bytes: [0xFF])
                    bytes.writeBytes(try JSONEncoder().encode(Command(execute: "guest-sync-delimited", arguments: Sync(id: id))))
                    bytes.writeInteger(UInt8(ascii: "\n"))
                    try await port.connection.send(bytes)
                    try await Task.sleep(for: Self.interval)
                }
            }
            while let line = try await port.line() {
                if line.contains("\"return\": \(id)}") { return }
            }
            throw ConsoleBootstrap.Ended()
        }
    }

    private func ask(_ port: LinePort, _ name: String, _ arguments: some Encodable) async throws -> Reply.Value {
        let id = Int.random(in: 1...Int(Int32.max))
        var bytes = ByteBuffer(bytes: try JSONEncoder().encode(Command(execute: name, arguments: arguments, id: id)))
        bytes.writeInteger(UInt8(ascii: "\n"))
        try await port.connection.send(bytes)
        while let line = try await port.line() {
            guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(line.utf8)), reply.id == id else { continue }
            if let error = reply.error { throw ConsoleBootstrap.Refused(reason: "\(name): \(error.desc)") }
            if let value = reply.value { return value }
        }
        throw ConsoleBootstrap.Ended()
    }
}
