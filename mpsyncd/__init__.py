"""mpsyncd."""
