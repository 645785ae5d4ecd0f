"""The subcommands of `endface-build`."""
