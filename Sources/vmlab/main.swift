import Scenarios
import VMLabCommand

await VMLabCommand.run(scenarios: .builtIn)
