"""The subcommands of `endface`."""
