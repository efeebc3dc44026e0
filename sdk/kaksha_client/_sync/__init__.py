# Made by scripts/unasync.py of _async/__init__.py: change that one.
"""The client with blocking calls, made by `scripts/unasync.py` of `_async`."""
