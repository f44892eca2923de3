"""An own PostgreSQL beside the daemon: found, initialised, started, watched and stopped by mpsyncd itself.

Used when no DSN is set. Knows nothing of the tables inside. `EmbeddedPostgres` runs the server, `read_runtime` finds a running one.
"""

from mpsyncd.storage.embedded.address import Address
from mpsyncd.storage.embedded.options import EmbeddedOptions, ServerState, ServerStatus, Timing
from mpsyncd.storage.embedded.runtime import Runtime, read_runtime
from mpsyncd.storage.embedded.supervisor import EmbeddedPostgres

__all__ = ["Address", "EmbeddedOptions", "EmbeddedPostgres", "Runtime", "ServerState", "ServerStatus", "Timing", "read_runtime"]
