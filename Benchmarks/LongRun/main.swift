import VMLab
import VMLabCommand

// Every verb of vmlab, with a scenario that is long enough to show what a lab's owner costs.
await VMLabCommand.run(scenarios: ScenarioCatalog([.longRun]))
