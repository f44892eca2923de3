"""HTTP in: health, status, metrics, shops, runs. Knows the read side of storage and the controls of the engine; never the insides of a source."""
