"""What the sandbox's receivers took, and the faults that they were asked to play. In memory, bounded."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from kaksha.core.clock import Clock, system_clock

__all__ = ["FAULTS", "Channel", "Fault", "Faults", "Inbox", "Message"]

Channel = Literal["mail", "sms", "push"]
_MOST_MESSAGES = 500
_MOST_LETTERS = 16 << 20

FAULTS: dict[str, str] = {
    "refuse": "the receiver is refused for good",
    "defer": "mail: the mailbox takes nothing right now",
    "reject": "the content is refused for good",
    "tempfail": "the provider has a passing trouble",
    "limit": "sms, push: too many, with a Retry-After of `seconds`",
    "credit": "sms: the account is empty",
    "signin": "our sign-in is refused",
    "slow": "taken, and answered after `seconds`",
    "hang": "not taken, and not answered for `seconds`",
    "lost": "taken, and not answered for `seconds`",
}
"""What a receiver can be asked to do wrong."""


class Message(msgspec.Struct, kw_only=True, rename="camel"):
    """A mail, SMS or push, once: what arrives again under its key is counted in `copies`."""

    id: int = 0
    at: datetime
    channel: Channel
    to: str
    sender: str
    subject: str
    text: str
    key: str
    """The mail's Message-ID, the SMS's reference or the push's topic; empty where the sender gave none."""
    html: str | None = None
    headers: dict[str, str] = {}
    facts: dict[str, str] = {}
    """What the provider was told beside the text: kind, template, values."""
    segments: int = 0
    copies: int = 1


class Inbox:
    """Messages, newest last. The oldest leave when there are too many."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self.clock = clock
        self._messages: deque[Message] = deque()
        self._letters = 0
        self._last = 0
        self.version = 0
        """One more at every change."""
        self._waiting: set[asyncio.Event] = set()

    def add(self, message: Message) -> Message:
        """Keeps it, or counts it as a copy; answers what is kept."""
        for known in self._messages:
            if message.key and (known.channel, known.to, known.key) == (message.channel, message.to, message.key):
                known.copies += 1
                self._changed()
                return known
        self._last += 1
        message.id = self._last
        self._messages.append(message)
        self._letters += _letters(message)
        while len(self._messages) > _MOST_MESSAGES or (self._letters > _MOST_LETTERS and len(self._messages) > 1):
            self._letters -= _letters(self._messages.popleft())
        self._changed()
        return message

    def messages(self, *, to: str | None = None, channel: str | None = None, after: int = 0) -> list[Message]:
        """Newest first; `after` is an id."""
        return [
            message
            for message in reversed(self._messages)
            if message.id > after and to in (None, message.to) and channel in (None, message.channel)
        ]

    def receivers(self) -> list[str]:
        """Everybody to whom something came."""
        return sorted({message.to for message in self._messages})

    def clear(self) -> None:
        self._messages.clear()
        self._letters = 0
        self._changed()

    @property
    def waiters(self) -> int:
        """How many wait for news."""
        return len(self._waiting)

    async def wait(self, condition: Callable[["Inbox"], bool], seconds: float = 10) -> None:
        """Until `condition(inbox)` holds. Raises TimeoutError."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(seconds):
                while not condition(self):
                    await changed.wait()
                    changed.clear()
        finally:
            self._waiting.discard(changed)

    def _changed(self) -> None:
        self.version += 1
        for changed in self._waiting:
            changed.set()


def _letters(message: Message) -> int:
    return len(message.text) + len(message.html or "") + len(message.subject)


class Fault(msgspec.Struct, frozen=True):
    """What goes wrong the next `times` times; `seconds` where it takes time."""

    mode: str
    times: int
    seconds: float


class Faults:
    """The faults to play, one kind a channel at a time."""

    def __init__(self) -> None:
        self._planned: dict[str, Fault] = {}
        self.played: dict[str, int] = {"mail": 0, "sms": 0, "push": 0}
        """How often each channel went wrong since the start."""
        self._ended = asyncio.Event()

    def plan(self, channel: Channel, mode: str, times: int = 1, seconds: float = 1.0) -> None:
        """From now on; the mode `none` ends it. Raises ValueError for a mode that nobody knows."""
        if mode == "none":
            self._planned.pop(channel, None)
        elif mode in FAULTS:
            self._planned[channel] = Fault(mode, times, seconds)
        else:
            raise ValueError(f"no such fault; there are none, {', '.join(FAULTS)}")

    def planned(self, channel: Channel) -> Fault | None:
        return self._planned.get(channel)

    def take(self, channel: Channel, *modes: str) -> Fault | None:
        """The fault to play now, if one of `modes` (or any, where none is named) is planned; uses up one time."""
        fault = self._planned.get(channel)
        if fault is None or (modes and fault.mode not in modes):
            return None
        self.played[channel] += 1
        if fault.times > 1:
            self._planned[channel] = msgspec.structs.replace(fault, times=fault.times - 1)
        else:
            del self._planned[channel]
        return fault

    async def pass_time(self, fault: Fault) -> None:
        """Waits as long as the fault says, or until the sandbox ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.seconds):
                await self._ended.wait()

    def end(self) -> None:
        """Lets go of everybody who waits."""
        self._ended.set()
