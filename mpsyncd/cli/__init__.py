"""Commands: each parses, calls one function of daemon, storage or sandbox, and prints. Nothing here outlives a command."""
