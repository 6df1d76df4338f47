import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import QEMU
import Synchronization

extension Node {
    /// One machine from its start to its end.
    func live(_ order: StartOrder) async {
        let bootsBefore: Int
        do {
            let configuration = try await prepare(order.origin)
            bootsBefore = boot - order.origin.boots
            mutable.withLock { ($0.isEnding, $0.gotSignal) = (false, false) }
            let end = try await withMachineProcess(configuration, order.origin) { guest in
                try await self.use(guest, order, bootsBefore: bootsBefore)
            }
            finish(end)
        } catch {
            let problem = (error as? Problem) ?? Problem(.failure, "\(name) could not be started", why: "\(error)")
            if Task.isCancelled {
                reach(.off, severity: .debug)
            } else {
                reach(.lost, detail: problem.what, severity: .error)
            }
            mutable.withLock { $0.machine = nil }
            order.isRunning.fail(problem)
        }
    }

    /// Waits for memory and makes the files of the node.
    private func prepare(_ origin: MachineOrigin) async throws -> QEMUConfiguration {
        try Folders.make(context.run.node(name))
        try Folders.make(context.folders.ram)
        try Folders.make(files.sockets)
        guard let image = context.images[name] else { throw Problem(.failure, "the image of \(name) is not known") }
        let configuration = plan.configuration(in: context.folders, image: image, generation: UUID())
        guard case .fresh = origin else { return configuration }
        try GuestMemory.require(guests: [plan.memoryMiB])
        try await plan.makeFiles(for: configuration, image: image, files: files)
        let text = configuration.arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " \\\n  ")
        try AtomicFile.write(Array(("qemu-system-x86_64 \\\n  " + text + "\n").utf8), to: files.arguments, redactor: context.redactor)
        return configuration
    }

    private func withMachineProcess(
        _ configuration: QEMUConfiguration, _ origin: MachineOrigin, _ body: @escaping @Sendable (Guest) async throws -> ProcessExit?
    ) async throws -> ProcessExit? {
        let transcript = context.evidence(files.monitorLog)
        let redactor = context.redactor
        var options = QEMUOptions(
            log: files.sockets + "/stderr.log",
            launcher: Watchdog.recording(plan.folder, in: context.run),
            transcript: { transcript.append(line: redactor.redact($0.jsonLine)) })
        options.startLimit = .seconds(30) * context.pace
        switch origin {
        case .fresh: return try await withQEMU(configuration, options: options, body: body)
        case .inherited(let machine):
            return try await withInheritedQEMU(
                configuration, process: machine.process, boot: machine.guestBoot, options: options, body: body)
        }
    }

    /// The life itself: shells, console, events, until QEMU is gone or the task is cancelled.
    private func use(_ guest: Guest, _ order: StartOrder, bootsBefore: Int) async throws -> ProcessExit? {
        context.events.record(
            .process(LabEvent.ProcessChange(role: "qemu", name: name, pid: guest.process.pid)), node: name, severity: .debug)
        try Watchdog.record(guest.process, as: plan.folder, in: context.run)
        var options = context.shell
        options.alreadyUp = order.origin.isUp
        options.readyTimeout = context.budget(context.bootBudget).scaled(by: context.pace)
        let endpoints = plan.endpoints(files, image: context.images[name], login: context.login, waysIn: context.waysIn) {
            guest.console.socketPath
        }
        let body: @Sendable (GuestShell) async throws -> ProcessExit? = { [self] shell in
            let machine = Machine(name: name, guest: guest, shell: shell)
            // Before the tasks that look at the state: a boot that is announced under another number is one that nobody waits for.
            switch order.origin {
            case .inherited(let inherited):
                mutable.withLock { current in
                    current.machine = machine
                    current.follow(MachineClock(before: inherited.clock, events: guest.events), of: guest.process.pid)
                }
                reach(inherited.state == .ready ? .booting : inherited.state, detail: "taken over", severity: .debug)
            case .fresh:
                reach(.booting, boot: bootsBefore + 1)
                mutable.withLock { ($0.machine, $0.clock) = (machine, MachineClock(events: guest.events)) }
            }
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                defer { tasks.cancelAll() }
                let (panics, panic) = AsyncStream.makeStream(of: String.self)
                tasks.addTask { await self.followConsole(guest, order.origin, bootsBefore: bootsBefore, panics: panic) }
                tasks.addTask { for await line in panics { await self.panicked(machine, line) } }
                tasks.addTask { await self.followErrors(order.origin) }
                tasks.addTask { await self.follow(machine, order.origin, bootsBefore: bootsBefore) }
                try await applyCarrierLosses(machine)
                try await applyDiskFaults(machine)
                do { try await applyDumps() } catch {
                    context.events.message("\((error as? Problem) ?? Problem(of: error))", node: name, severity: .warning)
                }
                if case .fresh = order.origin { try await guest.resume() }
                order.isRunning.open(machine)
                let end = await guest.waitForExit()
                // What it wrote last is worth most.
                tasks.cancelAll()
                while try await tasks.next() != nil {}
                return end
            }
        }
        do {
            return try await withGuestShell(node: name, endpoints: endpoints, options: options, body: body)
        } catch {
            // A QEMU that is gone answers nothing and refuses connections; how it ended says more.
            guard !Task.isCancelled, let end = await withDeadline(.milliseconds(500), { await guest.waitForExit() }) else { throw error }
            throw gone("QEMU \(end)")
        }
    }

    private func gone(_ detail: String) -> Problem {
        Problem(
            .failure, "\(name) is gone: \(detail)", location: "nodes/\(name)/stderr.log",
            why: mutable.withLock { $0.lastLine }.map { "its console said last: \($0)" },
            remedy: "signal 9 comes from somebody, or from the kernel for lack of memory (dmesg)")
    }

    /// Tells the shells, and everybody, what happens to the guest.
    private func follow(_ machine: Machine, _ origin: MachineOrigin, bootsBefore: Int) async {
        await withDiscardingTaskGroup { group in
            defer { group.cancelAll() }
            let begin = ContinuousClock.now
            if !origin.isPaused { group.addTask { await self.announceReady(machine, since: begin) } }
            for await event in machine.guest.events {
                context.events.record(
                    .machine(LabEvent.MachineEvent(name: event.kind.name, detail: event.kind.detail)), node: name, severity: .debug)
                switch event.kind {
                case .resumed:
                    await machine.shell.guestResumed()
                    if state == .paused {
                        reach(.booting, detail: "resumed")
                        group.addTask { await self.announceReady(machine, since: .now) }
                    }
                case .paused(let reason): await paused(machine, reason)
                case .panicked: await panicked(machine, nil)
                case .reset(let boot, let byGuest, _):
                    await machine.shell.guestLost(.rebooted)
                    mutable.withLock { $0.consoleOffset = 0 }
                    reach(.booting, detail: byGuest ? "the guest restarted" : "reset", boot: bootsBefore + boot)
                    group.addTask { await self.announceReady(machine, since: .now) }
                case .poweredOff: await machine.shell.guestLost(.poweredOff)
                case .exited(let how): await machine.shell.guestLost(.exited("\(how)"))
                case .consoleNotMoved(let reason):
                    context.events.message("the serial log stays with the boot before: \(reason)", node: name, severity: .warning)
                // QEMU's ShutdownCause for SIGINT, SIGTERM and SIGHUP.
                case .ending(let reason): if reason == "host-signal" { mutable.withLock { $0.gotSignal = true } }
                case .powerdownRequested: break
                }
            }
        }
    }

    private func paused(_ machine: Machine, _ reason: String?) async {
        await machine.shell.guestLost(.paused)
        // QEMU's RunState: `paused` is our own doing.
        guard let reason, !["paused", "prelaunch", "inmigrate", "postmigrate", "running"].contains(reason) else {
            reach(.paused)
            return
        }
        reach(.paused, detail: reason, severity: .error)
        context.fail(
            reason == "io-error"
                ? .environment(
                    .diskFull, "\(name) stands still: its disk cannot be written", location: context.run.node(name),
                    why: "QEMU stopped the guest (\(reason)); the file system has \(Folders.freeMebibytes(context.run.path)) MiB left",
                    remedy: "free some space there, or set --state-dir to another disk")
                : Problem(.failure, "QEMU stopped \(name)", why: "run state \(reason)", remedy: "nodes/\(name)/stderr.log may say more"))
    }

    /// The guest's kernel panicked, as pvpanic or the console says.
    func panicked(_ machine: Machine, _ line: String?) async {
        guard state != .panicked else { return }
        await machine.shell.guestLost(.panicked)
        let words = line ?? mutable.withLock { $0.panicLine ?? $0.lastLine }
        reach(.panicked, detail: "the guest's kernel panicked" + (words.map { ": \($0)" } ?? ""), severity: .error)
        context.fail(
            Problem(
                .failure, "\(name): the guest's kernel panicked", location: "nodes/\(name)/serial.log", why: words,
                remedy: "the lines before it in that log say what the kernel was doing"))
    }

    private func announceReady(_ machine: Machine, since begin: ContinuousClock.Instant) async {
        let boot = boot
        do {
            try await machine.shell.waitUntilReady()
        } catch {
            // A guest that was lost has its own event, and one that nothing reaches is told of by whoever waits for it.
            if case GuestShellError.channelBroken = error { context.events.message("\(error)", node: name, severity: .warning) }
            return
        }
        guard !Task.isCancelled else { return }
        let isNews = mutable.withLock { current in
            guard current.boot == boot, current.state == .booting else { return false }
            current.readyBoot = boot
            return true
        }
        if isNews { reach(.ready, seconds: begin.duration(to: .now).seconds.rounded(to: 2)) }
    }

    /// The machine is gone.
    private func finish(_ end: ProcessExit?) {
        let (wasAsked, gotSignal) = mutable.withLock { current in
            current.machine = nil
            return (current.isEnding, current.gotSignal)
        }
        unlink("\(context.run.processes)/\(plan.folder)")
        guard let end, !Task.isCancelled else { return reach(.off, severity: .debug) }
        if wasAsked || (end == .exited(0) && !gotSignal) {
            return reach(.off, detail: wasAsked ? nil : "the guest powered off", severity: wasAsked ? .info : .warning)
        }
        let detail = gotSignal ? "QEMU was told to end by a signal from outside" : "QEMU \(end)"
        reach(.lost, detail: detail, severity: .error)
        context.fail(gone(detail))
    }
}

extension MachineOrigin {
    /// Whether the guest may have greeted long ago.
    var isUp: Bool { if case .inherited = self { true } else { false } }
    var isPaused: Bool { if case .inherited(let machine) = self { machine.state == .paused } else { false } }
    /// Boots that the machine has had.
    var boots: Int { if case .inherited(let machine) = self { machine.guestBoot } else { 0 } }
}
