import Foundation
import LabEvents
import Synchronization
import Testing

@testable import QEMU

@Suite(.tier(.unit)) struct QMPSessionTests {
    /// What a session sent, as decoded lines that a test can wait for.
    final class Wire: Sendable {
        let lines = EventHistory<JSONValue>()

        @Sendable func send(_ bytes: [UInt8]) {
            if let value = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes)) { lines.append(value) }
        }

        func line(_ index: Int) async -> JSONValue? {
            var iterator = lines.makeAsyncIterator()
            for _ in 0..<index { _ = await iterator.next() }
            return await iterator.next()
        }
    }

    private func reply(_ session: QMPSession, to line: JSONValue?, _ value: String) {
        session.receive(Array("{\"return\": \(value), \"id\": \(line?["id"]?.integer ?? -1)}\n".utf8))
    }

    @Test func `answers reach their callers in any order`() async throws {
        let session = QMPSession(transcript: nil)
        let wire = Wire()
        async let first = session.execute(QMP.QueryStatus(), send: wire.send)
        let one = await wire.line(0)
        async let second = session.execute(QMP.Custom("query-name", arguments: ["a": .integer(1)]), send: wire.send)
        let two = await wire.line(1)
        #expect(one?["execute"] == .string("query-status"))
        #expect(one?["arguments"] == .object([:]))
        #expect(two?["arguments"] == .object(["a": .integer(1)]))
        session.receive(Array("{\"return\": {}, \"id\": 99}\n{\"return\": {}}\nnonsense\n".utf8))
        reply(session, to: two, #"{"name": "x"}"#)
        #expect(try await second["name"] == .string("x"))
        reply(session, to: one, #"{"status": "running", "running": true, "singlestep": false}"#)
        #expect(try await first == QMP.Status(running: true, status: "running"))
    }

    @Test func `the end of the connection ends every call at once, with the cause, and every later one`() async {
        let session = QMPSession(transcript: nil)
        let wire = Wire()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    await #expect(throws: MonitorError.disconnected(command: "stop", reason: "gone")) {
                        _ = try await session.execute(QMP.Stop(), send: wire.send)
                    }
                }
            }
            _ = await wire.line(7)
            session.close(reason: "gone")
        }
        await #expect(throws: MonitorError.disconnected(command: "cont", reason: "gone")) {
            _ = try await session.execute(QMP.Continue(), send: wire.send)
        }
    }

    @Test func `a refusal and an answer of another form are errors`() async {
        let session = QMPSession(transcript: nil)
        await #expect(throws: MonitorError.refused(command: "stop", errorClass: "GenericError", description: "no")) {
            _ = try await session.execute(QMP.Stop()) { _ in
                session.receive(Array("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": 1}\n".utf8))
            }
        }
        let error = await #expect(throws: MonitorError.self) {
            _ = try await session.execute(QMP.QueryStatus()) { _ in session.receive(Array("{\"return\": [], \"id\": 2}\n".utf8)) }
        }
        guard case .unexpectedReply("query-status", _) = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }

    @Test func `a cancelled wait ends and its late answer is nobody's`() async throws {
        let session = QMPSession(transcript: nil)
        let wire = Wire()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: MonitorError.cancelled(command: "stop")) {
                    _ = try await session.execute(QMP.Stop(), send: wire.send)
                }
            }
            _ = await wire.line(0)
            group.cancelAll()
        }
        reply(session, to: await wire.line(0), "{}")
        async let status = session.execute(QMP.QueryStatus(), send: wire.send)
        reply(session, to: await wire.line(1), #"{"status": "paused", "running": false}"#)
        #expect(try await status.running == false)
    }

    @Test func `every line is in the transcript`() async throws {
        let lines = Mutex<[String]>([])
        let session = QMPSession { traffic in lines.withLock { $0.append(traffic.jsonLine) } }
        _ = try await session.execute(QMP.Stop()) { _ in session.receive(Array("{\"return\": {}, \"id\": 1}\nbroken\n".utf8)) }
        let values = try lines.withLock { $0 }.map { try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8)) }
        #expect(values.map { $0["direction"]?.string } == ["sent", "received", "received"])
        #expect(values.first?["message"]?["execute"] == .string("stop"))
        #expect(values.last?["message"] == .string("broken"))
    }

    @Test func `every reader of a history sees everything, late ones too`() async {
        let history = EventHistory<Int>()
        await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var seen: [Int] = []
                    for await number in history { seen.append(number) }
                    return seen
                }
            }
            for number in 0..<1000 { history.append(number) }
            history.finish()
            history.append(-1)
            for await seen in group { #expect(seen == Array(0..<1000)) }
        }
        var late: [Int] = []
        for await number in history { late.append(number) }
        #expect(late.count == 1000)
        #expect(history.count == 1000)
        #expect(await history.dropFirst(990).first { _ in true } == 990)
    }
}
