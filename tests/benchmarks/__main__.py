"""The README's figures, on one's own machine: requests of 1,000 users with 200 rows each, here and with other stacks.

    uv run python -m tests.benchmarks

All serve the same table of the same PostgreSQL, with one worker each: `litestead` as the owner of the table, `policies`
the same application under row level security, `guide` the stack that the guide describes (FastAPI, SQLModel), and
`limit` what Python can do at all: no framework, no session, no check but of the token.

PostgreSQL is the suite's: it keeps its data in memory, where there is plenty, and waits for no disk, so that the
figures are those of the stacks. `requests/s`, `p50` and `p99` are what the clients see, with all of them waiting at a
time: they say as much about the machine, which serves the clients and PostgreSQL as well. `CPU µs` is what the server's
process needs for a request, in user and system mode (Linux only); `ratio` is that against `litestead`, so 5 means five
times as much. Trust the ratios: single figures change with the machine, and on a busy one from run to run. The mix is
70 % lists of 100, 15 % single rows, 10 % new and 5 % changed ones. That a request is one statement and one round trip
is no matter of measuring: `tests/test_cost.py` counts them.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from app.testing.databases import RestrictedDatabases, postgres_databases
from tests.benchmarks.driver import Load, Target, compare, print_table
from tests.benchmarks.peers import PEERS, peer, python_for_peers
from tests.benchmarks.workload import OPERATIONS, Population
from tests.parts.serving import serving

USERS: Final = Population("user-", users=1_000, each=200)


@contextmanager
def litestead(name: str, database_url: str, population: Population, folder: Path) -> Iterator[Target]:
    """Serve this application while the block runs, as `app run` does."""
    with serving(database_url, folder / f"{name}.log", LOG_LEVEL="WARNING") as server:
        yield Target(name, server.port, server.process.pid, population)


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=3.0, show_default=True, help="For each operation, server and round.")
@click.option("--clients", default=20, show_default=True, type=click.IntRange(1))
@click.option(
    "--peer", "names", multiple=True, type=click.Choice([*PEERS, "none"]), default=[*PEERS], show_default=True
)
def main(rounds: int, seconds: float, clients: int, names: tuple[str, ...]) -> None:
    """Measure, and print a table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        restricted = RestrictedDatabases(stack.enter_context(postgres_databases()))
        url = restricted.fresh()
        owner = restricted.for_owner(url)
        USERS.seed(owner)
        targets = [
            stack.enter_context(litestead(*its, USERS, folder)) for its in (("litestead", owner), ("policies", url))
        ]
        wanted = [name for name in names if name in PEERS]
        if wanted and (python := python_for_peers(folder / "peers")):
            targets += [stack.enter_context(peer(name, python, owner, USERS)) for name in wanted]
        print_table(compare(targets, OPERATIONS, Load(rounds, seconds, clients)))


if __name__ == "__main__":
    main()
