"""Passwords: argon2id (OWASP's 19 MiB, t=2, p=1) in two threads, so that sign-ins cannot starve reads.

A password is what one sees, not how a keyboard composes it: `é` or `क़` in one code point or in two is the same (NFC, as
RFC 8265 has it for passwords). Case, spaces and look-alikes differ.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

__all__ = ["LONGEST", "hash_password", "verify_password"]

LONGEST = 128
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_nobody = _hasher.hash("a password that nobody has")


async def hash_password(password: str) -> str:
    """The hash to keep. Raises ValueError above LONGEST, which nobody could sign in with."""
    password = unicodedata.normalize("NFC", password)
    if len(password) > LONGEST:
        raise ValueError(f"a password has at most {LONGEST} characters")
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def verify_password(password: str, kept: str | None) -> bool:
    """Whether `password` made `kept`; takes as long when there is nothing to compare with."""
    password = unicodedata.normalize("NFC", password)
    if len(password) > LONGEST:
        kept, password = None, password[:LONGEST]
    fits = await asyncio.get_running_loop().run_in_executor(_threads, _hasher.verify, password, kept or _nobody)
    return fits and kept is not None
