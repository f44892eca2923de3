"""What the benchmarks share: processes and their costs, a PostgreSQL, a vendor, tables of results. Not for tests, not for the program."""
