"""Passwords: argon2id (OWASP's 19 MiB, t=2, p=1) in two threads, so that sign-ins cannot starve reads."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

__all__ = ["hash_password", "verify_password"]

LONGEST = 128
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_nobody = _hasher.hash("a password that nobody has")


async def hash_password(password: str) -> str:
    """The hash to keep."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def verify_password(password: str, kept: str | None) -> bool:
    """Whether `password` made `kept`; takes as long when there is nothing to compare with."""
    if len(password) > LONGEST:
        kept, password = None, password[:LONGEST]
    fits = await asyncio.get_running_loop().run_in_executor(_threads, _hasher.verify, password, kept or _nobody)
    return fits and kept is not None
