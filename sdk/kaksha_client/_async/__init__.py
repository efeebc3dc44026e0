"""The client, written once as async. `scripts/unasync.py` makes `_sync` of it."""
