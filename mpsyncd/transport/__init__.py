"""HTTP out: sessions, gates, retries, decoding. Knows sources, rates and decrypted keys; never rows, feeds or the database."""
