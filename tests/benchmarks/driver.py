"""The driver: clients that each keep a connection and send prepared requests, and what the server needs for them.

It runs in a process other than the server's, so its own CPU time counts for nobody.
"""

import asyncio
import math
import os
import re
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import uvloop

from tests.benchmarks.workload import Population

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_WARM_UP: Final = 0.5  # seconds


class Target(NamedTuple):
    """A server that runs, and the users on whose behalf it is asked."""

    name: str
    port: int
    pid: int
    population: Population


class Figures(NamedTuple):
    """What one operation came to; times are of one request."""

    per_second: float
    p50: float  # milliseconds
    p99: float  # milliseconds
    cpu: float  # microseconds of the server's process


class Load(NamedTuple):
    """How long, and by how many at a time, each operation is asked for."""

    rounds: int
    seconds: float
    clients: int


Results = dict[str, dict[str, Figures]]
"""The figures by operation, and then by the name of the target."""


def compare(targets: Sequence[Target], operations: Sequence[str], load: Load) -> Results:
    """Return the median figures of all rounds. The targets take turns, so that a slow moment hits all of them."""
    found: dict[tuple[str, str], list[Figures]] = {}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for number in range(load.rounds + 1):  # the first one warms up, and counts for nothing
            for operation in operations:
                for target in targets:
                    requests = target.population.requests(operation)
                    seconds = load.seconds if number else min(_WARM_UP, load.seconds)
                    figures = runner.run(drive(target, requests, load.clients, seconds))
                    found.setdefault((operation, target.name), []).extend([figures] if number else [])
    return {o: {t.name: _median(found[o, t.name]) for t in targets} for o in operations}


async def drive(target: Target, requests: Iterator[bytes], clients: int, seconds: float = math.inf) -> Figures:
    """Send until the time is over, or until there are no more requests.

    Raises:
        RuntimeError: an answer was not a success.
    """
    connections = [await asyncio.open_connection("127.0.0.1", target.port) for _ in range(clients)]
    cpu, began = cpu_seconds(target.pid), time.perf_counter()
    lives = [_live(*connection, requests, began + seconds) for connection in connections]
    times = sorted(t for life in await asyncio.gather(*lives) for t in life)
    elapsed, cpu = time.perf_counter() - began, cpu_seconds(target.pid) - cpu
    count = len(times)
    return Figures(count / elapsed, times[count // 2] * 1e3, times[count * 99 // 100] * 1e3, cpu / count * 1e6)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that a process has used so far; nan where there is no Linux to tell."""
    if sys.platform != "linux":
        return math.nan
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def print_table(results: Results) -> None:
    """Print a line for each operation and target; the ratio is that of CPU time to the first target's."""
    print(f"\n{'':12}{'':24}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'ratio':>8}")  # noqa: T201
    for operation, by_target in results.items():
        first = next(iter(by_target.values()))
        for name, (per_second, p50, p99, cpu) in by_target.items():
            line = f"{operation:12}{name:24}{per_second:12,.0f}{p50:9.1f}{p99:9.1f}{cpu:9,.0f}{cpu / first.cpu:8.2f}"
            print(line)  # noqa: T201


async def _live(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: Iterator[bytes], deadline: float
) -> list[float]:
    times = []
    try:
        for request in requests:
            if (began := time.perf_counter()) >= deadline:
                break
            writer.write(request)
            await _answer(reader)
            times.append(time.perf_counter() - began)
    finally:
        writer.close()
    return times


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1]) if length else 0)
    if not head.startswith(b"HTTP/1.1 20"):
        raise RuntimeError(f"{head.splitlines()[0].decode()}: {body[:200].decode()}")


def _median(rounds: Iterable[Figures]) -> Figures:
    return Figures(*map(statistics.median, zip(*rounds, strict=True)))
