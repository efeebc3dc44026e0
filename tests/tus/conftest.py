"""Uploads in pieces run on both stores, too."""

from tests.files.conftest import s3, world

__all__ = ["s3", "world"]
