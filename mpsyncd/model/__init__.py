"""The nouns of mpsyncd: values that every layer may see.

Standard library only. Nothing here talks to a socket, a database, a file or the wall clock.
"""
