"""How a command that submits jobs runs: its files, its server, its results."""
