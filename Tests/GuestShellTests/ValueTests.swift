import Testing

@testable import GuestShell

@Suite("Output and words", .tier(.unit))
struct ValueTests {
    @Test("Output within the limit is kept whole, beyond it the beginning and the end", arguments: [1, 3, 1000])
    func capture(_ chunk: Int) {
        let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 ^ ($0 >> 8)) }
        for limit in [2, 100, 4999, 5000, 9000] {
            var captured = CapturedOutput(limit: limit)
            var rest = bytes[...]
            while !rest.isEmpty {
                Array(rest.prefix(chunk)).withUnsafeBytes { captured.append($0) }
                rest = rest.dropFirst(chunk)
            }
            captured.finish()
            if limit >= bytes.count {
                #expect(captured.bytes == bytes && captured.droppedBytes == 0)
            } else {
                #expect(captured.bytes == Array(bytes.prefix(limit / 2)) + Array(bytes.suffix(limit - limit / 2)))
                #expect(captured.droppedBytes == bytes.count - limit)
            }
        }
    }

    @Test("Lines are cut at line ends, in whatever pieces they come")
    func lines() {
        var splitter = LineSplitter(limit: 5)
        #expect(splitter.lines(Array("on".utf8)).isEmpty)
        #expect(splitter.lines(Array("e\r\ntwo\n\nlo".utf8)) == ["one", "two", ""])
        #expect(splitter.lines(Array("nger".utf8)) == ["longe"])
        #expect(splitter.finish() == "r")
        #expect(splitter.finish() == nil)
    }

    @Test("Any text is one word")
    func quoting() {
        #expect(ShellQuoting.quote("it's") == #"'it'\''s'"#)
        #expect(ShellQuoting.quote("") == "''")
        #expect(ShellQuoting.quote("$HOME `x` \\") == "'$HOME `x` \\'")
    }

    @Test("A login's password is in no text made of it")
    func login() {
        #expect(!"\(GuestLogin(user: "root", password: "hunter2"))".contains("hunter2"))
    }

    @Test("A semaphore lets so many in, serves in order, and forgets who was cancelled")
    func semaphore() async throws {
        let semaphore = AsyncSemaphore(1)
        #expect(await semaphore.acquire())
        let cancelled = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await semaphore.acquire() }
            group.cancelAll()
            return await group.next() ?? true
        }
        #expect(!cancelled)
        semaphore.release()
        #expect(await semaphore.acquire())
    }
}
