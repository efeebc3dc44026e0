"""Passwords: argon2id (OWASP's 19 MiB, t=2, p=1) in two threads, so that sign-ins cannot starve reads.

A password is what one sees, not how a keyboard composes it: `é` or `क़` in one code point or in two is the same (NFC, as
RFC 8265 has it for passwords). Case, spaces and look-alikes differ.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from kaksha.core.errors import Why
from kaksha.core.i18n import N_

__all__ = ["LONGEST", "SHORTEST", "hash_password", "password_problems", "verify_password"]

SHORTEST = 8
LONGEST = 128
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_nobody = _hasher.hash("a password that nobody has")


def password_problems(password: str, *personal: str | None) -> list[str]:
    """Why a new password cannot be taken; empty when it can. `personal` are the person's name, e-mail and phone."""
    password = unicodedata.normalize("NFC", password)
    if len(password) < SHORTEST:
        return [Why(N_("Must have at least {n} characters."), n=SHORTEST)]
    if len(password) > LONGEST:
        return [Why(N_("Must have at most {n} characters."), n=LONGEST)]
    plain = password.casefold()
    if plain in _common() or len(set(plain)) < 3:
        return [N_("Is one of the passwords that everybody tries first.")]
    known = [part for text in personal if text for part in (text.casefold(), text.casefold().partition("@")[0])]
    if plain in known:
        return [N_("Is your name, e-mail or phone number.")]
    return []


@cache
def _common() -> frozenset[str]:
    """The 30 000 most used passwords, as zxcvbn ships them; read when the first password is set."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 10 MiB that most processes never need

    return frozenset(FREQUENCY_LISTS["passwords"])


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
