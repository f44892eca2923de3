"""PostgreSQL is the truth: pool, migrations, shops, vault, feeds, runs and the merge.

Knows tables, pages and feeds; never HTTP or a vendor.
"""
