"""The benchmarks still run: every operation is answered, by this application and by its peers."""

import asyncio
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from app.settings import BASE_DIR
from app.testing.databases import Databases
from tests.benchmarks.__main__ import litestead
from tests.benchmarks.driver import Load, compare, drive, print_table
from tests.benchmarks.growth import OPERATIONS, megabytes
from tests.benchmarks.workload import Population

FEW = Population("user-", users=2, each=120)


@pytest.mark.slow
def test_every_operation_is_measured(postgres: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = postgres.fresh()
    FEW.seed(url)
    with litestead("here", url, FEW, tmp_path) as here:
        print_table(compare([here], (*OPERATIONS, "mix"), Load(rounds=1, seconds=0.05, clients=2)))
        counted = asyncio.run(drive(here, islice(FEW.requests("mix"), 10), clients=2))
        held = megabytes(here.pid)
        strangers = here._replace(population=FEW._replace(name="stranger-"))
        with pytest.raises(RuntimeError, match=r"404 Not Found: .*detail"):
            asyncio.run(drive(strangers, strangers.population.requests("get"), clients=1))

    assert 0 < counted.p50 <= counted.p99
    assert held > 10
    assert [line.split("here")[0].strip() for line in capsys.readouterr().out.splitlines()[2:]] == [*OPERATIONS, "mix"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "options", "names"),
    [
        ("tests.benchmarks", [], ["litestead", "policies", "guide", "limit"]),
        (
            "tests.benchmarks.growth",
            ["--rows", "1000", "--requests", "100"],
            ["10,000 rows", "1,000 rows", "500 of one user"],
        ),
    ],
)
def test_a_command_prints_five_operations_of_each(module: str, options: list[str], names: list[str]) -> None:
    command = [sys.executable, "-m", module, "--rounds", "1", "--seconds", "0.1", *options]
    printed = subprocess.run(command, cwd=BASE_DIR, capture_output=True, check=True, text=True).stdout

    assert {name: printed.count(f" {name} ") for name in names} == dict.fromkeys(names, 5)
