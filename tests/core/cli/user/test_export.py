"""`app user export`: all that there is of a person, a line for each row."""

import json
import re
import stat
from collections import Counter
from pathlib import Path
from typing import cast

from sqlalchemy import Table, Text, update
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.quoting import quoted
from app.core.data.tables.registry import owned_models
from app.testing.databases import Databases
from tests.core.cli.conftest import Invoke
from tests.core.cli.user.conftest import NAMES, PERSON, everything


def test_an_export_is_a_json_object_a_line_for_every_row(invoke: Invoke, databases: Databases, url: str) -> None:
    result = invoke("user", "export", PERSON, DATABASE_URL=url)

    assert result.exit_code == 0
    assert result.stderr == "".join(f"{name}: 2 exported\n" for name in NAMES)
    lines = [json.loads(line) for line in result.stdout.removesuffix("\n").split("\n")]
    assert all(set(line) == {"table", "row"} for line in lines)
    assert [line["table"] for line in lines] == [name for name in NAMES for _ in range(2)]
    stored = everything(databases, url)
    for line in lines:
        assert line["row"]["user_id"] == PERSON
        assert line["row"]["id"] in [row[0] for row in stored[line["table"]]]


def test_an_export_has_every_column_as_json(invoke: Invoke, url: str) -> None:
    lines = [json.loads(line) for line in invoke("user", "export", PERSON, DATABASE_URL=url).stdout.splitlines()]

    for model in owned_models():
        (row, _) = (line["row"] for line in lines if line["table"] == model.__tablename__)
        assert list(row) == list(model.__table__.c.keys())
    moments = {
        m.__tablename__: [c.key for c in m.__table__.c if isinstance(c.type, UTCDateTime)] for m in owned_models()
    }
    times = [line["row"][name] for line in lines for name in moments[line["table"]] if line["row"][name] is not None]
    assert len(times) >= 2 * len(lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time) for time in times)


def test_whatever_a_person_wrote_stays_on_its_line(invoke: Invoke, databases: Databases, url: str) -> None:
    written = 'a "quote" \\ and\nlines\r\n\u2028\u0085 🙂 é'
    texts = {m.__tablename__: [c for c in m.__table__.c if isinstance(c.type, Text)] for m in owned_models()}
    with migration_engine(database_url(databases.for_owner(url))).begin() as connection:
        for column in (column for columns in texts.values() for column in columns):
            connection.execute(update(cast("Table", column.table)).values({column: written}))

    result = invoke("user", "export", PERSON, DATABASE_URL=url)

    lines = [json.loads(line) for line in result.stdout_bytes.removesuffix(b"\n").split(b"\n")]
    assert len(lines) == 2 * len(NAMES)
    assert {line["row"][column.key] for line in lines for column in texts[line["table"]]} == {written}


def test_an_export_goes_to_a_new_file_that_nobody_else_may_read(invoke: Invoke, url: str, tmp_path: Path) -> None:
    output = tmp_path / "person.jsonl"

    result = invoke("user", "export", PERSON, "--output", str(output), DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (0, "")
    assert Counter(json.loads(line)["table"] for line in output.read_text().splitlines()) == dict.fromkeys(NAMES, 2)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_an_export_overwrites_nothing(invoke: Invoke, url: str, tmp_path: Path) -> None:
    output = tmp_path / "letter.txt"
    output.write_text("Dear database")

    result = invoke("user", "export", PERSON, "--output", str(output), DATABASE_URL=url)

    assert result.exit_code == 1
    assert result.stderr == f"Error: cannot write {output}: File exists\n"
    assert output.read_text() == "Dear database"


def test_a_file_that_cannot_be_made_is_one_line(invoke: Invoke, url: str, tmp_path: Path) -> None:
    result = invoke("user", "export", PERSON, "--output", str(tmp_path / "no" / "folder"), DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: cannot write ")
    assert result.stderr.count("\n") == 1


def test_an_export_that_fails_leaves_no_file(invoke: Invoke, databases: Databases, url: str, tmp_path: Path) -> None:
    output = tmp_path / "person.jsonl"
    with migration_engine(database_url(databases.for_owner(url))).begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {quoted(NAMES[-1])} RENAME TO elsewhere")

    result = invoke("user", "export", PERSON, "--output", str(output), DATABASE_URL=url)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the database refused a statement: ")
    assert result.stderr.count("\n") == 1
    assert not output.exists()
