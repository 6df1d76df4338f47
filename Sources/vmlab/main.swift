import ArgumentParser
import VMLabCommand

await VMLabCommand.main()
