"""Three ways to load the same orders. Each is a process of its own: `python -m contenders.X DSN URL PHASE`, phase `first` or `again`."""
