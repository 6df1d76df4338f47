import LabEvents
import Testing

@testable import VDE

@Suite("What waits to leave at a link aggregation's end", .tier(.contract)) struct FrameOutletTests {
    private func frame(_ number: UInt8) -> EthernetFrame {
        EthernetFrame(destination: .numbered(1), source: .numbered(2), ethertype: 0x88B5, payload: [number])
    }

    private func append(_ number: UInt8, to outlet: inout FrameOutlet) -> Bool {
        var bytes = frame(number).bytes
        return bytes.withUnsafeMutableBytes { outlet.append($0) }
    }

    @Test func `what is urgent leaves first, and alone when the rest is discarded`() async throws {
        try await SwitchFolder.with { folder in
            let guest = try FakeGuest(path: folder.path + "/g", host: folder.path + "/h")
            let socket = try EndSocket(.guest(local: folder.path + "/h", remote: folder.path + "/g"), name: "outlet")
            defer { socket.close() }
            let letter = FrameBatch()
            var outlet = FrameOutlet()
            // More than a batch, so that some of it is in the backlog.
            let count = FrameBatch.capacity + 10
            for number in 0..<count { #expect(append(UInt8(number), to: &outlet)) }
            outlet.hurry(frame(200).bytes)
            #expect(outlet.discard() == count && outlet.discard() == 0)
            #expect(append(100, to: &outlet))
            let flush = outlet.flush(socket, with: letter, at: .zero)
            #expect(flush.dropped == 0 && flush.change == nil && !outlet.isFull)
            #expect(guest.receive()?.payload.first == 200)
            #expect(guest.receive()?.payload.first == 100)
        }
    }

    @Test func `an end that takes nothing holds up its senders for a time, and loses what it has no room for`() async throws {
        try await SwitchFolder.with { folder in
            let guest = try FakeGuest(path: folder.path + "/g", host: folder.path + "/h")
            let socket = try EndSocket(.guest(local: folder.path + "/h", remote: folder.path + "/g"), name: "outlet")
            defer { socket.close() }
            let letter = FrameBatch()
            var outlet = FrameOutlet()
            var taken = 0
            // The kernel's queue of datagrams, the batch and the backlog.
            while append(UInt8(taken % 256), to: &outlet) {
                taken += 1
                _ = outlet.flush(socket, with: letter, at: .seconds(1))
            }
            #expect(outlet.isFull)
            #expect(outlet.holdsUp(at: .seconds(1)) == .seconds(1) + FrameOutlet.patience)
            #expect(outlet.holdsUp(at: .seconds(1) + FrameOutlet.patience) == nil)
            // In order, and none twice.
            for number in 0..<taken {
                #expect(guest.receive()?.payload.first == UInt8(number % 256))
                _ = outlet.flush(socket, with: letter, at: .seconds(2))
            }
            #expect(!outlet.isFull && outlet.holdsUp(at: .seconds(2)) == nil && outlet.discard() == 0)
        }
    }

    @Test func `a guest that is gone loses what waits, and is told of once`() async throws {
        try await SwitchFolder.with { folder in
            let socket = try EndSocket(.guest(local: folder.path + "/h", remote: folder.path + "/g"), name: "outlet")
            defer { socket.close() }
            let letter = FrameBatch()
            var outlet = FrameOutlet()
            for number in 0..<100 { #expect(append(UInt8(number), to: &outlet)) }
            outlet.hurry(frame(200).bytes)
            let flush = outlet.flush(socket, with: letter, at: .zero)
            #expect(flush.dropped == 100 && flush.change == .guestGone)
            #expect(outlet.flush(socket, with: letter, at: .zero).dropped == 0)
            let guest = try FakeGuest(path: folder.path + "/g", host: folder.path + "/h")
            #expect(append(7, to: &outlet))
            #expect(outlet.flush(socket, with: letter, at: .zero).change == .guestBack)
            #expect(guest.receive()?.payload.first == 7)
        }
    }
}
