"""What a request costs when there are many rows, and what a worker holds when it has answered many requests.

    uv run python -m tests.benchmarks.growth
    uv run python -m tests.benchmarks.growth --rows 5000000 --requests 0

Each operation is measured on a table of 10,000 rows and on the large one: for users with 200 rows, and for the one
who came after them and owns half of all rows. `page` is a page of 100 at any depth (`after`, as `Link` gives it). What
the columns mean, and that `ratio` is the one to trust, is said in `__main__.py`; here it is against the small table,
and flat is 1. `CPU` is the application's; what PostgreSQL needs shows in `p50`.

Then one server answers the mix; its memory (resident, Linux only) is printed on the way, and has to stay where it is.
"""

import asyncio
import os
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import uvloop

from app.testing.databases import postgres_databases
from tests.benchmarks.__main__ import litestead
from tests.benchmarks.driver import Load, Target, compare, drive, print_table
from tests.benchmarks.workload import Population

OPERATIONS: Final = ("list 100", "page", "get", "create", "update")
SMALL: Final = Population("user-", users=50, each=200)
STEPS: Final = 10


@click.command()
@click.option("--rows", default=2_000_000, show_default=True, type=click.IntRange(1_000), help="Of the large table.")
@click.option("--requests", default=200_000, show_default=True, help="After which memory is looked at.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=2.0, show_default=True, help="For each operation, table and round.")
@click.option("--clients", default=20, show_default=True, type=click.IntRange(1))
def main(rows: int, requests: int, rounds: int, seconds: float, clients: int) -> None:
    """Measure, and print a table."""
    many = Population("user-", users=rows // 400, each=200, callers=SMALL.users)
    one = Population("owner-", users=1, each=rows // 2, first_id=many.users * many.each + 1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        databases = stack.enter_context(postgres_databases())
        targets = []
        for name, populations in {"10,000 rows": [SMALL], f"{rows:,} rows": [many, one]}.items():
            url = databases.fresh()
            for population in populations:
                population.seed(url)
            targets.append(stack.enter_context(litestead(name, url, populations[0], folder)))
        targets.append(targets[-1]._replace(name=f"{one.each:,} of one user", population=one))
        print_table(compare(targets, OPERATIONS, Load(rounds, seconds, clients)))
        _print_memory(targets[1], requests, clients)


def _print_memory(target: Target, requests: int, clients: int) -> None:
    mix = target.population.requests("mix")
    print(f"\n{'requests':>12}{'memory MB':>12}\n{0:12,}{megabytes(target.pid):12.1f}")  # noqa: T201
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for step in range(STEPS if requests else 0):
            runner.run(drive(target, islice(mix, requests // STEPS), clients))
            print(f"{(step + 1) * requests // STEPS:12,}{megabytes(target.pid):12.1f}", flush=True)  # noqa: T201


def megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
