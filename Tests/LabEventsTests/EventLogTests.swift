import FoundationEssentials
import Synchronization
import Testing

@testable import LabEvents

@Suite(.tier(.unit)) struct EventLogTests {
    private func all(_ subscription: EventSubscription) async -> [LabEvent] {
        var events: [LabEvent] = []
        for await event in subscription { events.append(event) }
        return events
    }

    @Test func `events are numbered and reach every recorder in order, from many threads`() async {
        let log = EventLog(run: "r", redactor: Redactor(), firstSequence: 11)
        let (first, second) = (Collector(), Collector())
        log.attach(first)
        log.attach(second)
        let reader = log.subscribe(from: 11)
        await withTaskGroup { group in
            for task in 0..<8 { group.addTask { for number in 0..<500 { log.message("\(task)/\(number)") } } }
        }
        await log.finish()
        #expect(first.events.map(\.sequence) == Array(11..<4011))
        #expect(second.events == first.events)
        #expect(await all(reader) == first.events)
        for task in 0..<8 {
            let own = first.events.compactMap(message).filter { $0.hasPrefix("\(task)/") }
            #expect(own == (0..<500).map { "\(task)/\($0)" })
        }
        log.message("late")
        #expect(first.events.count == 4000)
    }

    @Test func `a recorder may record, and the order stays`() async {
        struct Echo: EventRecorder {
            let log: EventLog
            func record(_ event: LabEvent) { if message(event) == "ping" { log.message("pong") } }
        }
        let log = EventLog(run: "r", redactor: Redactor())
        let all = Collector()
        log.attach(Echo(log: log))
        log.attach(all)
        log.message("ping")
        log.message("end")
        await log.finish()
        #expect(all.events.compactMap(message) == ["ping", "pong", "end"])
    }

    @Test(arguments: Sample.all) func `no text of any kind leaves with a secret`(_ sample: Sample) async throws {
        // Every text of the sample is a secret in turn: found by a walk through its values, so a new field cannot be forgotten.
        let redactor = Redactor()
        let secret = "s3cr3tvalue"
        try redactor.add(secret: secret, name: "x")
        var texts = 0
        let marked = sample.kind.mappingStrings { text in
            texts += 1
            return text + secret
        }
        func count(_ value: Any) -> Int {
            let mirror = Mirror(reflecting: value)
            if value is String { return 1 }
            if mirror.displayStyle == .enum, mirror.children.isEmpty { return 0 }
            return mirror.children.reduce(0) { $0 + count($1.value) }
        }
        #expect(texts == count(sample.kind))
        let log = EventLog(run: "r", redactor: redactor)
        let all = Collector()
        log.attach(all)
        let reader = log.subscribe()
        log.record(marked, node: secret, severity: .info)
        await log.finish()
        let event = try #require(all.events.first)
        #expect(!String(decoding: event.jsonLine(), as: UTF8.self).contains(secret))
        #expect(event.node == "[redacted:x]")
        #expect(await self.all(reader) == [event])
        #expect(event.kind == sample.kind.mappingStrings { $0 + "[redacted:x]" })
    }

    @Test func `a private key on a console is followed line by line, for each node`() async {
        let log = EventLog(run: "r", redactor: Redactor())
        let all = Collector()
        log.attach(all)
        let lines = [
            ("a", "-----BEGIN EC PRIVATE KEY-----"), ("b", "MHcCAQEEIBzRkWZ2p4bQm5nT"), ("a", "MHcCAQEEIBzRkWZ2p4bQm5nT"),
            ("a", "-----END EC PRIVATE KEY-----"), ("a", "MHcCAQEEIBzRkWZ2p4bQm5nT"),
        ]
        for (node, line) in lines { log.record(.console(.init(boot: 1, line: line)), node: node) }
        await log.finish()
        let shown = all.events.map { event in
            if case .console(let console) = event.kind { console.line } else { "" }
        }
        #expect(shown == ["[redacted:private-key]", lines[1].1, "[redacted:private-key]", "[redacted:private-key]", lines[4].1])
    }

    @Test func `a subscription has the past and the present without gap or double`() async {
        let log = EventLog(run: "r", redactor: Redactor())
        await withTaskGroup(of: [LabEvent].self) { group in
            group.addTask {
                for number in 1...2000 { log.message("\(number)") }
                return []
            }
            for start in [1, 500, 1000, 1999] {
                group.addTask {
                    var events: [LabEvent] = []
                    for await event in log.subscribe(from: start) {
                        events.append(event)
                        if event.sequence == 2000 { break }
                    }
                    #expect(events.map(\.sequence).last == 2000)
                    let numbers = events.map(\.sequence).drop { $0 < start }
                    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 })
                    return events
                }
            }
        }
        await log.finish()
        #expect(await all(log.subscribe(from: 1990)).map(\.sequence) == Array(1990...2000))
    }

    @Test func `console lines come live, when wanted, and are not kept`() async {
        let log = EventLog(run: "r", redactor: Redactor())
        let (with, without) = (log.subscribe(), log.subscribe(includingConsole: false))
        log.record(.console(.init(boot: 1, line: "l")), node: "a", severity: .debug)
        log.record(.machine(.init(name: "RESET")), node: "a", severity: .debug)
        log.record(.machine(.init(name: "GUEST_PANICKED")), node: "a", severity: .error)
        await log.finish()
        #expect(await all(with).map(\.sequence) == [1, 2, 3])
        #expect(await all(without).map(\.sequence) == [2, 3])
        #expect(await all(log.subscribe()).map(\.sequence) == [3])
    }

    @Test func `what is no longer in memory is said`() async {
        let log = EventLog(run: "r", redactor: Redactor(), limits: .init(history: 100))
        for number in 1...1000 { log.message("\(number)") }
        await log.finish()
        let events = await all(log.subscribe())
        #expect(events.count <= 111 && events.count >= 101)
        #expect(message(events.first)?.contains("no longer in memory") == true)
        #expect(events.first?.severity == .warning)
        #expect(events.map(\.sequence) == Array((1001 - events.count)...1000))
    }

    @Test func `a slow subscriber is told how many events it lost`() async {
        let log = EventLog(run: "r", redactor: Redactor(), limits: .init(subscriber: 10))
        let reader = log.subscribe()
        for number in 1...25 { log.message("\(number)") }
        var iterator = reader.makeAsyncIterator()
        for number in 1...10 { #expect(await iterator.next().flatMap(message) == "\(number)") }
        let gap = await iterator.next()
        #expect(message(gap)?.hasPrefix("15 events are left out here") == true)
        #expect(gap?.severity == .warning)
        #expect(gap?.sequence == 25)
        log.message("26")
        #expect(await iterator.next()?.sequence == 26)
        await log.finish()
        #expect(await iterator.next() == nil)
    }

    @Test func `slow recorders lose console lines, and nothing else`() async {
        // The first event's recorder records the others, which must then wait.
        struct Burst: EventRecorder {
            let log: EventLog
            func record(_ event: LabEvent) {
                guard message(event) == "start" else { return }
                for _ in 0..<100 { log.record(.console(.init(boot: 1, line: "l")), node: "a", severity: .debug) }
                log.message("kept")
            }
        }
        let log = EventLog(run: "r", redactor: Redactor(), limits: .init(pending: 10))
        let all = Collector()
        log.attach(Burst(log: log))
        log.attach(all)
        log.message("start")
        log.message("end")
        await log.finish()
        #expect(all.events.map(\.sequence) == Array(1...14))
        #expect(
            all.events.compactMap(message) == [
                "start", "kept", "90 console lines and machine events are left out: the recorders were too slow for them", "end",
            ])
    }

    @Test func `a cancelled reader ends, and so does an abandoned subscription`() async {
        let log = EventLog(run: "r", redactor: Redactor())
        let reader = log.subscribe()
        await withTaskGroup { group in
            group.addTask { for await _ in reader {} }
            group.cancelAll()
        }
        weak let abandoned = log.subscribe()
        #expect(abandoned == nil)
        log.message("still well")
        await log.finish()
    }
}
