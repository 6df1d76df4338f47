import GuestShell
import LabEvents
import QEMU
import Synchronization

extension Node {
    /// Carries each boot's console into the run directory, one file a boot, until cancelled.
    ///
    /// - Parameter panics: gets the line with which a kernel says that it panicked.
    func followConsole(_ guest: Guest, _ origin: MachineOrigin, bootsBefore: Int, panics: AsyncStream<String>.Continuation) async {
        let first = max(1, origin.boots)
        let folder = files.sockets
        await withDiscardingTaskGroup { group in
            var changes = context.watch.changes(in: folder)
            var offset = 0
            if case .inherited(let machine) = origin { offset = machine.consoleOffset }
            group.addTask { [changes] in
                await self.followConsole(guest, boot: first, number: bootsBefore + first, from: offset, changes, panics)
            }
            for await event in guest.events {
                guard case .reset(let boot, _, _) = event.kind, boot > first else { continue }
                changes.end()
                changes = context.watch.changes(in: folder)
                group.addTask { [changes] in
                    await self.followConsole(guest, boot: boot, number: bootsBefore + boot, from: 0, changes, panics)
                }
            }
        }
    }

    private func followConsole(
        _ guest: Guest, boot: Int, number: Int, from offset: Int, _ changes: FolderWatch.Changes, _ panics: AsyncStream<String>.Continuation
    ) async {
        let file = "serial-\(number).log"
        let target = context.evidence("\(files.folder)/\(file)")
        try? RunDirectory.link(file, at: files.serialLog)
        let source = guest.configuration.serial.logPath(boot: boot)
        let follower = LogFollower(source: source, target: target, redactor: context.redactor) { [self] line in
            take(line, boot: number, panics)
        }
        await follower.run(changes.stream, from: offset) { position in
            mutable.withLock { if $0.boot == number { $0.consoleOffset = position } }
        }
    }

    /// Carries what QEMU says into the run directory, until cancelled.
    func followErrors(_ origin: MachineOrigin) async {
        let target = context.evidence(files.errorLog)
        let folder = files.sockets
        let follower = LogFollower(source: folder + "/stderr.log", target: target, redactor: context.redactor) { [self] in noteDump($0) }
        let offset: Int
        if case .inherited(let machine) = origin { offset = machine.errorOffset } else { offset = 0 }
        await follower.run(context.watch.changes(in: folder).stream, from: offset) { position in
            mutable.withLock { $0.errorOffset = position }
        }
    }

    private func take(_ line: String, boot: Int, _ panics: AsyncStream<String>.Continuation) {
        mutable.withLock { current in
            // As a terminal shows it.
            current.lastLine = line.split(separator: "\r").last.map(String.init) ?? line
            if line.contains(Self.panicSign) { current.panicLine = line }
        }
        context.events.record(.console(LabEvent.ConsoleLine(boot: boot, line: line)), node: name, severity: .debug)
        // A guest without the driver of pvpanic says it here alone.
        if line.contains(Self.panicSign) { panics.yield(line) }
    }

    private static let panicSign = "Kernel panic - not syncing"
}
