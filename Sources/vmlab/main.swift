import VMLabCommand

await VMLabCommand.run()
