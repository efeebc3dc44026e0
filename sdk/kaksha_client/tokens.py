"""Where a sign-in is kept between two calls, and between two runs of the program."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import uuid
from pathlib import Path
from typing import Protocol

import msgspec

from .errors import UNREADABLE


class Tokens(msgspec.Struct, frozen=True):
    """`user_id`: whose they are, so that a call of one person is never repeated as another."""

    access: str
    refresh: str
    user_id: str

    def __repr__(self) -> str:  # must not reach a log by way of a repr
        return f"Tokens(user_id={self.user_id!r})"


class TokenStore(Protocol):
    """Keeps one sign-in and the id of this device. Threads may call it at the same time.

    The methods must be quick: the async client calls them on the event loop.
    """

    def load(self) -> Tokens | None:
        """The tokens of the present sign-in, None if nobody is signed in."""
        ...

    def save(self, tokens: Tokens | None) -> None:
        """Replace the sign-in; None signs out."""
        ...

    def device_id(self) -> str:
        """A random id, made once and the same ever after, whoever signs in."""
        ...


class MemoryTokenStore:
    """Forgets with the process."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        self._device_id = str(uuid.uuid4())

    def load(self) -> Tokens | None:
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    def device_id(self) -> str:
        return self._device_id


class _Kept(msgspec.Struct, frozen=True):
    device_id: str
    tokens: Tokens | None = None


class FileTokenStore:
    """One JSON file that its owner alone may read (mode 0600), replaced in one step.

    It is read at every call, so that programs that share the file see each other's sign-ins. A file that
    is not ours to understand raises ValueError rather than being overwritten. Other errors are those of the
    file system (OSError).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).expanduser()
        self._lock = threading.Lock()

    def load(self) -> Tokens | None:
        kept = self._read()
        return kept.tokens if kept else None

    def save(self, tokens: Tokens | None) -> None:
        with self._lock:
            kept = self._read()
            self._write(_Kept(kept.device_id if kept else str(uuid.uuid4()), tokens))

    def device_id(self) -> str:
        with self._lock:
            kept = self._read()
            if kept is None:
                kept = _Kept(str(uuid.uuid4()))
                self._write(kept)
            return kept.device_id

    def _read(self) -> _Kept | None:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(content, type=_Kept)
        except UNREADABLE:
            raise ValueError(f"{self._path} is not a token file") from None  # the cause would quote it

    def _write(self, kept: _Kept) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In the same folder, for a replacement in one step; mkstemp makes it 0600 before a byte is in it.
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(kept))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
