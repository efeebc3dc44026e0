"""`make bench`: Kaksha beside the limit of its stack, in one run, as one table.

1. A PostgreSQL with the large seed; `--people` of its students get sign-ins, alternating over all institutes.
2. The limit and Kaksha, one process each on one core; database and load share the other core.
3. For each row, rounds of limit, Kaksha, limit, Kaksha …; throughput is the median of the rounds, and the ratio the
   median of each round's own, so that a neighbour's noise in one round does not decide.

Absolute numbers say something about this machine only; ratios hold. It ends with 0 also when a target is missed, and
fails when something is broken: a wrong answer, an error, two answers that differ.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import asyncpg
import jwt
import msgspec
import uvloop

from bench import ground, machine, notices, people
from bench.load import Load, Sample, fetch
from bench.people import Person

_DASHBOARD, _REFRESH, _SIGN_IN = "student dashboard", "token refresh", "sign-in"
_NOTICES = "notification list"
_MIXED, _MIXED_SIGN_IN = "dashboard beside sign-ins", "10 sign-ins/s beside it"
_ATTENDANCE, _MARK = "student attendance", "mark a class of 40"
_WARM_SECONDS = 1.0


class Options(msgspec.Struct, frozen=True):
    students: int
    institutes: int
    people: int
    seconds: float
    rounds: int
    only: str
    json: bool


class Measured(msgspec.Struct):
    """One row of one server: each list has one number a round, `millis` one an answer."""

    rates: list[float] = []
    app_ms: list[float] = []
    database_ms: list[float] = []
    others: list[float] = []
    millis: list[float] = []
    errors: Counter[int] = msgspec.field(default_factory=Counter)

    def add(self, sample: Sample, cpu: machine.Cpu) -> None:
        answers = max(1, len(sample.millis))
        self.rates.append(sample.rate)
        self.app_ms.append(cpu.app * 1000 / answers)
        self.database_ms.append(cpu.database * 1000 / answers)
        self.others.append(cpu.others / sample.seconds)
        self.millis.extend(sample.millis)
        self.errors.update(sample.errors)

    def line(self) -> dict[str, float]:
        """The numbers of the table."""
        cuts = statistics.quantiles(self.millis, n=100) if len(self.millis) > 1 else [0.0] * 99
        return {
            "per_second": statistics.median(self.rates),
            "p50_ms": cuts[49],
            "p99_ms": cuts[98],
            "app_cpu_ms": statistics.median(self.app_ms),
            "database_cpu_ms": statistics.median(self.database_ms),
        }


Results = dict[str, dict[str, Measured]]
"""Row -> server -> what was measured."""


class Bench:
    """The rows, and what they need."""

    def __init__(self, options: Options, everybody: list[Person], teachers: list[Person], backend: int) -> None:
        self._options = options
        self._backend = backend
        self._everybody = everybody
        self._people = itertools.cycle(everybody)
        self._teachers = teachers
        self.results: Results = {}

    async def run(self, servers: list[ground.Server]) -> None:
        """Every row, round by round, each server in turn."""
        await self.check(servers)
        plan: list[tuple[str, Callable[[ground.Server], Any]]] = [
            (_DASHBOARD, self._dashboard), (_NOTICES, self._notices), (_ATTENDANCE, self._attendance),
            (_MARK, self._mark), (_REFRESH, self._refresh), (_SIGN_IN, self._sign_in), (_MIXED, self._mixed),
        ]  # fmt: skip
        for row, measure in plan:
            if not re.search(self._options.only, row):
                continue
            await self._renew(servers[-1])
            for number in range(self._options.rounds):
                for server in servers:
                    print(f"{row}, round {number + 1}, {server.name} …", file=sys.stderr)
                    await measure(server)

    async def _renew(self, server: ground.Server) -> None:
        """Fresh access tokens for everybody, so that none ends within a row."""
        waiting = iter([*self._everybody, *self._teachers])

        async def one() -> None:
            for person in waiting:
                status, body = await fetch(server.port, people.refresh(person))
                if status != 200:
                    raise SystemExit(f"{server.name}: {_REFRESH} answers {status}: {body[:500]!r}")
                people.renewed(person, body)

        await asyncio.gather(*(one() for _ in range(16)))

    async def check(self, servers: list[ground.Server]) -> None:
        """Both servers must say the same: the same dashboard, and new tokens with the same claims."""
        await self._renew(servers[-1])
        person, found = self._everybody[0], dict[str, set[Any]]()
        for server in servers:
            for row, ask in (
                (_DASHBOARD, people.dashboard), (_NOTICES, people.notices), (_ATTENDANCE, people.attendance),
                (_MARK, people.mark), (_REFRESH, people.refresh), (_SIGN_IN, people.sign_in),
            ):  # fmt: skip
                if row == _MARK and not self._teachers:
                    continue
                status, body = await fetch(server.port, ask(self._teachers[0] if row == _MARK else person))
                if status != 200:
                    raise SystemExit(f"{server.name}: {row} answers {status}: {body[:500]!r}")
                if row == _REFRESH:
                    people.refreshed(person, body)
                same = row in (_DASHBOARD, _NOTICES, _ATTENDANCE)
                found.setdefault(row, set()).add(body if same else _shape(msgspec.json.decode(body)))
        different = [row for row, answers in found.items() if len(answers) != 1]
        if different:
            raise SystemExit(f"the servers answer differently: {', '.join(different)}: {found[different[0]]}")

    async def _dashboard(self, server: ground.Server) -> None:
        load = self._load(server, people.dashboard, 32)
        await self._measured(server, {_DASHBOARD: load})

    async def _notices(self, server: ground.Server) -> None:
        await self._measured(server, {_NOTICES: self._load(server, people.notices, 32)})

    async def _attendance(self, server: ground.Server) -> None:
        await self._measured(server, {_ATTENDANCE: self._load(server, people.attendance, 32)})

    async def _mark(self, server: ground.Server) -> None:
        load = Load(server.port, itertools.cycle(self._teachers), people.mark, connections=8)
        await self._measured(server, {_MARK: load})

    async def _refresh(self, server: ground.Server) -> None:
        load = self._load(server, people.refresh, 32, heard=people.refreshed)
        await self._measured(server, {_REFRESH: load})

    async def _sign_in(self, server: ground.Server) -> None:
        await self._measured(server, {_SIGN_IN: self._load(server, people.sign_in, 8)})

    async def _mixed(self, server: ground.Server) -> None:
        loads = {
            _MIXED: self._load(server, people.dashboard, 32),
            _MIXED_SIGN_IN: self._load(server, people.sign_in, 10, per_second=10.0),
        }
        await self._measured(server, loads)

    def _load(self, server: ground.Server, ask: Callable[[Person], bytes], connections: int, **more: Any) -> Load:
        return Load(server.port, self._people, ask, connections=connections, **more)

    async def _measured(self, server: ground.Server, loads: dict[str, Load]) -> None:
        """One round: loads side by side, a moment to get warm, then the time that counts."""
        meter = machine.Meter(server.pid, self._backend)
        gc.disable()
        for load in loads.values():
            await load.start()
        await asyncio.sleep(_WARM_SECONDS)
        for load in loads.values():
            load.take()
        meter.start()
        await asyncio.sleep(self._options.seconds)
        cpu = meter.stop()
        samples = {row: load.take() for row, load in loads.items()}
        for load in loads.values():
            await load.stop()
        gc.enable()
        for row, sample in samples.items():
            self.results.setdefault(row, {}).setdefault(server.name, Measured()).add(sample, cpu)


def _shape(value: Any) -> Any:
    """Names and kinds, so that two answers with random parts can be compared."""
    if isinstance(value, dict):
        return tuple((name, _claims(part) if name == "accessToken" else _shape(part)) for name, part in value.items())
    return type(value).__name__


def _claims(token: str) -> Any:
    return _shape(jwt.decode(token, options={"verify_signature": False}))


def _table(results: Results, memory: dict[str, tuple[float, float]]) -> str:
    """The one table. CPU of the two mixed rows is one sum, so it is not told."""
    rows = [["", "", "req/s", "ratio", "p50 ms", "p99 ms", "app CPU ms", "ratio", "db CPU ms", "errors"]]
    for row, servers in results.items():
        limit, alone = servers["limit"], row not in (_MIXED, _MIXED_SIGN_IN)
        for name, one in servers.items():
            line, compared = one.line(), one is not limit
            rows.append([
                "" if compared else row,
                name,
                f"{line['per_second']:.1f}",
                f"{_ratio(one.rates, limit.rates):.2f}" if compared else "",
                f"{line['p50_ms']:.1f}",
                f"{line['p99_ms']:.1f}",
                f"{line['app_cpu_ms']:.3f}" if alone else "",
                f"{_ratio(one.app_ms, limit.app_ms):.2f}" if compared and alone else "",
                f"{line['database_cpu_ms']:.3f}" if alone else "",
                " ".join(f"{status}:{count}" for status, count in sorted(one.errors.items())),
            ])  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), row[1].ljust(widths[1]), *map(str.rjust, row[2:], widths[2:])]).rstrip()
        for row in rows
    ]
    told = ", ".join(f"{name} {idle:.0f} idle, {after:.0f} after" for name, (idle, after) in memory.items())
    return "\n".join([*lines, "", f"memory MiB: {told}"])


def _ratio(ours: list[float], limit: list[float]) -> float:
    """The median of the rounds' own ratios."""
    return statistics.median(one / other if other else 0.0 for one, other in zip(ours, limit, strict=True))


def _verdicts(
    results: Results, memory: dict[str, tuple[float, float]], told: float
) -> list[tuple[str, float, str, bool]]:
    """(target, measured, what it should be, whether it holds)."""
    found = [("idle memory, MiB", memory["kaksha"][0], "<= 150", memory["kaksha"][0] <= 150)]
    if alone := results.get(_DASHBOARD):
        ours, limit = alone["kaksha"], alone["limit"]
        ratio, cpu = _ratio(ours.rates, limit.rates), _ratio(ours.app_ms, limit.app_ms)
        found.append(("student dashboard, throughput of the limit's", ratio, ">= 0.85", ratio >= 0.85))
        found.append(("student dashboard, app CPU of the limit's", cpu, "<= 1.6", cpu <= 1.6))
    if listed := results.get(_NOTICES):
        ratio = _ratio(listed["kaksha"].rates, listed["limit"].rates)
        found.append(("notification list, throughput of the limit's", ratio, ">= 0.80", ratio >= 0.8))
    if told:
        found.append(("notices told in business transactions, per second", told, ">= 1000", told >= 1000))
    for row in (_ATTENDANCE, _MARK):
        if both := results.get(row):
            ratio = _ratio(both["kaksha"].rates, both["limit"].rates)
            found.append((f"{row}, throughput of the limit's", ratio, ">= 0.80", ratio >= 0.8))
    if alone and (mixed := results.get(_MIXED)):
        kept = statistics.median(mixed["kaksha"].rates) / statistics.median(alone["kaksha"].rates)
        found.append(("dashboards kept beside 10 sign-ins a second", kept, ">= 0.80", kept >= 0.8))
    if beside := results.get(_MIXED_SIGN_IN):
        slow = beside["kaksha"].line()["p99_ms"]
        found.append(("p99 of those sign-ins, ms", slow, "< 300", slow < 300))
    return found


def _others(results: Results) -> float:
    """The part of a core that other work of the machine took while we measured: the middle round's."""
    return statistics.median(part for of in results.values() for one in of.values() for part in one.others)


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=20_000)
    parser.add_argument("--institutes", type=int, default=50)
    parser.add_argument("--people", type=int, default=2_000, help="how many of the students ask")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose name fits this regular expression")
    parser.add_argument("--json", action="store_true", help="the numbers as JSON instead of the table")
    return msgspec.convert(vars(parser.parse_args()), Options)


async def _measure(options: Options, cluster: Any, servers: list[ground.Server]) -> tuple[Results, float]:
    everybody = await people.students(cluster.owner_url, cluster.app_url, ground.SECRET, options.people)
    if not everybody:
        raise SystemExit("the seed has no students named s…@bench-…")
    await notices.plant(cluster.owner_url)
    teachers = await people.teachers(cluster.owner_url, cluster.app_url, ground.SECRET, options.people)
    if not teachers:
        raise SystemExit("the seed has no class of 40")
    watch = await asyncpg.connect(cluster.app_url)
    bench = Bench(options, everybody, teachers, watch.get_server_pid())
    await bench.run(servers)
    await watch.close()
    told = 0.0
    if re.search(options.only, "notices told"):
        told = await notices.told_per_second(cluster.app_url, ground.SECRET, everybody, options.seconds)
        await notices.plant(cluster.owner_url)  # and with it their jobs go, which nobody needs
    return bench.results, told


def main() -> None:
    """Runs the bench and prints what it found."""
    if sys.platform != "linux":
        raise SystemExit("the bench reads /proc and pins processes to cores: it runs on Linux only")
    options = _options()
    app_core, other_core = machine.cores()
    machine.pin(0, other_core)  # PostgreSQL is started by us and stays on our core
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(ground.database(options.students, options.institutes))
        servers = [
            stack.enter_context(ground.server("limit", ["bench.limit"], cluster, app_core)),
            stack.enter_context(ground.server("kaksha", ["kaksha.cli", "serve"], cluster, app_core)),
        ]
        results, told = uvloop.run(_measure(options, cluster, servers))
        memory = {one.name: (one.idle_mib, machine.memory_mib(one.pid)) for one in servers}
    verdicts = _verdicts(results, memory, told)
    if options.json:
        print(json.dumps({
            "options": msgspec.to_builtins(options),
            "rows": {row: {name: one.line() | {"rates": one.rates, "errors": one.errors} for name, one in of.items()}
                     for row, of in results.items()},
            "memory_mib": memory, "others_cores": _others(results),
            "targets": [dict(zip(("name", "measured", "target", "holds"), one, strict=True)) for one in verdicts],
        }))  # fmt: skip
    else:
        print(_table(results, memory))
        others = _others(results)
        print(f"other work on the machine took {others:.2f} of a core{': too noisy, repeat' if others > 0.3 else ''}\n")
        for name, measured, target, holds in verdicts:
            print(f"{'holds ' if holds else 'MISSED'}  {name}: {measured:.2f} (target {target})")
    if any(one.errors for of in results.values() for one in of.values()):
        raise SystemExit("there were errors: the numbers above count good answers only")


if __name__ == "__main__":
    main()
