import VMLab
import VMLabCommand

// Every verb of vmlab, with these scenarios.
await VMLabCommand.run(scenarios: ScenarioCatalog([.telemetry, .telemetryOutage, serverOutage]))
