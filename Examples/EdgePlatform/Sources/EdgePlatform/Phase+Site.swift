import Phases
import VMLab

extension Phase {
    /// The collector serves its health on port 8080, and takes a reading on port 7000.
    static let collector = Phase("collector") { lab in
        let collector = try lab.node("collector-1")
        try await collector.succeed(
            """
            mkdir -p /srv && echo ok >/srv/health && httpd -p 8080 -h /srv
            nc -l -p 7000 >/tmp/reading 2>/dev/null </dev/null &
            """)
        try await collector.waitForOpenPort(8080)
        try await collector.waitForOpenPort(7000)
    }
}
