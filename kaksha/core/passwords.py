"""Passwords: argon2id in one thread of low priority, so that sign-ins cannot starve reads.

7 MiB, t=5, p=1 is the one of OWASP's equals that fits a processor's cache, so what runs beside it keeps more of that.

What waits for the thread is bounded: above that a caller is told to come again, rather than kept waiting for seconds.

A password is what one sees, not how a keyboard composes it: `é` or `क़` in one code point or in two is the same (NFC, as
RFC 8265 has it for passwords). Case, spaces and look-alikes differ.
"""

import asyncio
import contextlib
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from kaksha.core.errors import AppError, Why
from kaksha.core.i18n import N_

__all__ = ["LONGEST", "SHORTEST", "PasswordsBusy", "hash_password", "password_problems", "verify_password"]

T = TypeVar("T")
SHORTEST = 8
LONGEST = 128
_hasher = PasswordHash((Argon2Hasher(time_cost=5, memory_cost=7168, parallelism=1),))
_MOST_WAITING = 64
"""About two seconds of work."""
_waiting = 0


class PasswordsBusy(AppError):
    status, code = 503, "SIGN_IN_BUSY"
    text = N_("Very many people are signing in right now. Please try again in a moment.")

    def __init__(self) -> None:
        super().__init__()
        self.headers["Retry-After"] = "2"


def _step_back() -> None:
    """Lets the thread that answers requests go first. Linux knows this for one thread; elsewhere all are alike."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 8)


_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2", initializer=_step_back)
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
    """The hash to keep. Raises PasswordsBusy, and ValueError above LONGEST, which nobody could sign in with."""
    password = unicodedata.normalize("NFC", password)
    if len(password) > LONGEST:
        raise ValueError(f"a password has at most {LONGEST} characters")
    return await _in_turn(lambda: _hasher.hash(password))


async def verify_password(password: str, kept: str | None) -> bool:
    """Whether `password` made `kept`; takes as long when there is nothing to compare with.

    Raises PasswordsBusy.
    """
    password = unicodedata.normalize("NFC", password)
    if len(password) > LONGEST:
        kept, password = None, password[:LONGEST]
    fits = await _in_turn(lambda: _hasher.verify(password, kept or _nobody))
    return fits and kept is not None


async def _in_turn(work: Callable[[], T]) -> T:
    global _waiting  # noqa: PLW0603 - one thread, one count
    if _waiting >= _MOST_WAITING:
        raise PasswordsBusy
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_thread, work)
    finally:
        _waiting -= 1
