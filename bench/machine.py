"""What processes use, from /proc: CPU time and memory of a server, and of the database with all its backends."""

import os
from pathlib import Path

import msgspec

__all__ = ["Cpu", "Meter", "cores", "memory_mib", "pin"]

_TICKS = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[int, int]:
    """The core for the server, and the one for database and load; the same one when there is no other."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[1 % len(usable)]


def pin(pid: int, core: int) -> None:
    """Keeps a process (all its threads to come) on one core."""
    os.sched_setaffinity(pid, {core})


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kib / 1024


class Cpu(msgspec.Struct):
    """Seconds of CPU within a time."""

    app: float
    database: float
    others: float
    """Of the rest of the machine but this process: noise, when it is not small."""


class Meter:
    """CPU of one server and of the database, between `start` and `stop`. `backend` is any backend's process id."""

    def __init__(self, server: int, backend: int) -> None:
        self._server = server
        self._postmaster = int(_stat(backend)[1])
        self._before = self._now()

    def start(self) -> None:
        self._before = self._now()

    def stop(self) -> Cpu:
        now = self._now()
        app, database, own, machine = (after - before for after, before in zip(now, self._before, strict=True))
        return Cpu(app, database, machine - app - database - own)

    def _now(self) -> tuple[float, float, float, float]:
        database = _seconds(self._postmaster, with_children=True)
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if int(_stat(int(folder.name))[1]) == self._postmaster:
                        database += _seconds(int(folder.name))
                except (FileNotFoundError, ProcessLookupError):  # ended meanwhile: then its parent's children's time
                    continue
        machine = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        user, nice, system = (int(field) / _TICKS for field in machine[1:4])
        return _seconds(self._server), database, _seconds(os.getpid()), user + nice + system


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third one (state) on; a name may hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def _seconds(pid: int, *, with_children: bool = False) -> float:
    fields = _stat(pid)
    return sum(int(field) for field in fields[11 : 15 if with_children else 13]) / _TICKS
