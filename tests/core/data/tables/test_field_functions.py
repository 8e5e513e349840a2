"""A noun's declarations: what follows from each, and a mistake is one sentence that names class, field and remedy."""

import subprocess
import sys
from enum import Enum, StrEnum
from types import new_class
from typing import Any, Literal

import pytest
from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables import (
    UUID,
    Day,
    Decimal,
    Email,
    Fields,
    FiniteFloat,
    Instant,
    NonBlankText,
    Owned,
    PlainText,
    RowId,
    SafeInt,
    Timestamped,
    Url,
    choice,
    day,
    decimal,
    flag,
    index,
    instant,
    integer,
    json,
    long_text,
    number,
    ref,
    text,
    unique,
    uuid,
)
from app.settings import BASE_DIR
from app.tasks.factories import TaskFactory

BAD_FATE: Any = "nullify"
BAD_RANK: Any = 2.5


class State(StrEnum):
    """Where something is."""

    NEW = "as new"


class Three(StrEnum):
    """What has an order."""

    A = "a"
    B = "b"
    C = "c"


class Size(Enum):
    """What has no texts."""

    SMALL = 1


class SampleFields(Fields):
    """A field of every kind, required, and one of every kind that may be null."""

    title: NonBlankText = text("A.", max_length=9, example="a")
    body: PlainText = long_text("A.")
    done: bool = flag("A.")
    at: Instant = instant("A.")
    on: Day = day("A.")
    count: SafeInt = integer("A.", ge=2)
    size: FiniteFloat = number("A.", le=2)
    token: UUID = uuid("A.")
    state: State = choice("A.")
    other_id: RowId = ref("tasks", "A.", on_delete="restrict")
    title_or_null: NonBlankText | None = text("A.", max_length=9)
    body_or_null: PlainText | None = long_text("A.")
    done_or_null: bool | None = flag("A.", default=None)
    at_or_null: Instant | None = instant("A.")
    on_or_null: Day | None = day("A.")
    count_or_null: SafeInt | None = integer("A.", ge=2)
    size_or_null: FiniteFloat | None = number("A.")
    token_or_null: UUID | None = uuid("A.")
    state_or_null: State | None = choice("A.")
    other_or_null_id: RowId | None = ref("tasks", "A.", on_delete="set null")


def made(annotation: Any, declared: Any, *bases: type, **more: Any) -> type:
    """Make a class with one field, `it`."""
    said = {"__module__": __name__, "__annotations__": {"it": annotation}, "it": declared} | more
    if Owned in bases:
        said["__tablename__"] = "samples"
    return new_class("Sample", bases or (Fields,), {"table": Owned in bases}, lambda body: body.update(said))


def test_a_field_that_may_be_null_is_null_unless_it_is_sent_and_any_other_is_required() -> None:
    required = {name for name, field in SampleFields.model_fields.items() if field.is_required()}

    assert required == {n for n in SampleFields.model_fields if "or_null" not in n} - {"done"}
    assert SampleFields.model_json_schema()["required"] == [n for n in SampleFields.model_fields if n in required]
    sent: dict[str, Any] = {"title": "a", "body": "", "at": "2026-01-01T00:00:00Z", "on": "2026-01-01", "count": 2}
    sent |= {"size": 1.5, "token": "12345678-1234-5678-1234-567812345678", "state": "as new", "other_id": 1}
    empty = SampleFields.model_validate(sent).model_dump(
        include={n for n in SampleFields.model_fields if "or_null" in n}
    )
    assert set(empty.values()) == {None}


def test_documentation_and_rules_follow_from_the_declaration() -> None:
    properties = SampleFields.model_json_schema()["properties"]

    assert {field["description"] for field in properties.values()} == {"A."}
    assert (properties["title"]["maxLength"], properties["title"]["examples"]) == (9, ["a"])
    assert properties["body"]["maxLength"] == 10_000
    assert (properties["count"]["minimum"], properties["size"]["maximum"]) == (2, 2)
    assert properties["count_or_null"]["anyOf"][0]["minimum"] == 2
    assert (properties["done"]["default"], properties["done"]["examples"]) == (False, [False])
    assert properties["other_or_null_id"]["examples"] == [None]
    assert "examples" not in properties["other_id"]


@pytest.mark.parametrize(
    ("annotation", "declared", "said"),
    [
        (NonBlankText, text("A."), "it: text() needs a length; write max_length=200, or use long_text()"),
        (
            str,
            text("A.", max_length=9),
            "it: text() is for NonBlankText or PlainText or Email or Url; annotate the field with it",
        ),
        (str | None, long_text("A."), "it: long_text() is for NonBlankText or PlainText;"),
        (SafeInt, flag("A."), "it: flag() is for bool;"),
        (bool, integer("A."), "it: integer() is for SafeInt;"),
        (int, integer("A."), "it: integer() is for SafeInt;"),
        (int, ref("tasks", "A.", on_delete="restrict"), "it: ref() is for RowId;"),
        (Day, instant("A."), "it: instant() is for Instant;"),
        (Instant, day("A."), "it: day() is for Day;"),
        (float, number("A."), "it: number() is for FiniteFloat;"),
        (str, uuid("A."), "it: uuid() is for UUID;"),
        (Literal["a", "b"], choice("A."), "it: choice() is for an Enum;"),
        (Literal["a", "b"] | None, choice("A."), "it: choice() is for an Enum;"),
        (Literal["a", "b"], text("A.", max_length=9), "it: text() is for NonBlankText or PlainText or Email or Url;"),
        (float, decimal("A.", scale=2), "it: decimal() is for Decimal;"),
        (Decimal, decimal("A.", scale=2, default="1.005"), "it: the default '1.005' is invalid: Input should be a dec"),
        (Decimal, decimal("A.", scale=2, ge=1, default=0), "is invalid: Input should be at least 1.00; choose another"),
        (Decimal, decimal("A.", scale=2, example="x"), "it: the example 'x' is invalid: Input should be a decimal"),
        (list[str], json("A.", default=[1]), "it: the default [1] is invalid: Input should be a valid string"),
        (Any, json("A.", default=None), "it: the default None is invalid: Input should not be null"),
        (Email, text("A.", max_length=99, default="ann"), "is invalid: Input should be an e-mail address; choose"),
        (Url, text("A.", max_length=99, example="x.y"), "is invalid: Input should be an http or https URL; choose"),
        (State, choice("A.", default="as new"), "it: the default 'as new' is not a member of the Enum"),
        (
            Size,
            choice("A."),
            "it: the values of Size must be texts, because the column is one; derive it from StrEnum.",
        ),
        (Enum("Nothing", []), choice("A."), "it: Nothing has no members; add one."),
        (
            Three,
            choice("A.", ranks={Three.A: 1}),
            "it: ranks must name every member of Three once, in its order: A, B, C.",
        ),
        (Three, choice("A.", ranks={Three.B: 1, Three.A: 2, Three.C: 3}), "in its order: A, B, C."),
        (Three, choice("A.", ranks={State.NEW: 1}), "it: ranks must name every member of Three once"),
        (Three, choice("A.", ranks={}), "it: ranks must name every member of Three once"),
        (Three, choice("A.", ranks={"a": 1, "b": 2, "c": 3}), "it: ranks must name every member of Three once"),
        (
            Three,
            choice("A.", ranks={Three.A: 1, Three.B: 1, Three.C: 3}),
            "the ranks of Three must ascend in the order",
        ),
        (Three, choice("A.", ranks={Three.A: -1, Three.B: 1, Three.C: 3}), "it: a rank is an integer from 0 to 32767."),
        (Three, choice("A.", ranks={Three.A: 1, Three.B: 2, Three.C: 2**15}), "it: a rank is an integer from 0 to"),
        (Three, choice("A.", ranks={Three.A: 1, Three.B: 2, Three.C: BAD_RANK}), "it: a rank is an integer from 0 to"),
        (NonBlankText, text("A.", max_length=3, default="abcd"), "it: the default 'abcd' is invalid: "),
        (NonBlankText, text("A.", max_length=3, default=""), "it: the default '' is invalid: "),
        (
            SafeInt,
            integer("A.", ge=1, default=0),
            "it: the default 0 is invalid: Input should be greater than or equal",
        ),
        (SafeInt, integer("A.", default=None), "it: the default None is invalid: Input should be a valid integer"),
        (SafeInt, integer("A.", example="x"), "it: the example 'x' is invalid: Input should be a valid integer"),
        (SafeInt | None, integer("A.", ge=10, le=1), "it: ge=10 is above le=1, so no value is valid; swap them."),
        (
            RowId | None,
            ref("tasks", "A.", on_delete=BAD_FATE),
            """on_delete='nullify' is unknown; it is one of "set null", "cascade", "restrict".""",
        ),
        (
            RowId,
            ref("tasks", "A.", on_delete="set null"),
            "needs a field that may be null; annotate it as RowId | None",
        ),
    ],
)
def test_a_field_that_is_declared_wrongly_is_one_sentence(annotation: Any, declared: Any, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        made(annotation, declared)

    assert str(caught.value).startswith("Sample.it: ")
    assert said in f"{caught.value}"


@pytest.mark.parametrize(
    ("indexes", "said"),
    [
        ((index("that"),), "index('that') names no field of the class; its fields are id, user_id, it."),
        ((unique("it", "that"),), "unique('that') names no field of the class"),
        ((index(),), "index() names no field; name at least one."),
        ((unique("user_id"),), "unique('user_id') names the owner, which is part of every index; leave it out."),
        (("it",), "'it' is not an index; write index('it') or unique('it')."),
        ((unique("it"), index("it"), unique("it")), "unique('it') is there twice; remove one."),
    ],
)
def test_an_index_that_cannot_be_is_one_sentence(indexes: Any, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        made(SafeInt, integer("A."), Owned, __indexes__=indexes)

    assert str(caught.value).startswith("Sample.__indexes__: ")
    assert said in str(caught.value)


def test_an_index_that_is_not_in_a_tuple_is_one_sentence() -> None:
    with pytest.raises(InvalidDeclaration, match=r"^Sample\.__indexes__ is not a tuple; write \(index\(\.\.\.\),\)"):
        made(SafeInt, integer("A."), Owned, __indexes__=index("it"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": 7}, "decimal(scale=7, ge=None, le=None): a scale is from 0 to 6."),
        ({"scale": -1}, "a scale is from 0 to 6."),
        ({"scale": 2, "ge": "0.001"}, 'a bound has at most 2 fraction digits; write a text, like "0.5".'),
        ({"scale": 2, "ge": 2, "le": 1}, "ge is above le, so no value is valid; swap them."),
    ],
)
def test_a_decimal_that_cannot_be_is_one_sentence(options: Any, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        decimal("A.", **options)

    assert said in str(caught.value)


def test_a_length_below_one_is_one_sentence() -> None:
    with pytest.raises(InvalidDeclaration, match=r"^text\('A\.', max_length=-5\): a length is at least 1\."):
        text("A.", max_length=-5)


@pytest.mark.parametrize(
    ("name", "said"),
    [("id", "Owned has a field of this name; choose another"), ("json", "the name hides SQLModel.json")],
)
@pytest.mark.filterwarnings("ignore:Field name:UserWarning")
def test_a_name_that_is_taken_is_one_sentence(name: str, said: str) -> None:
    with pytest.raises(InvalidDeclaration, match=rf"^Sample\.{name}: {said}"):
        new_class(
            "Sample",
            (Owned,),
            {},
            lambda body: body.update(
                {"__annotations__": {name: SafeInt}, "__tablename__": "samples", name: integer("A.")}
            ),
        )


def test_a_table_without_a_key_is_one_sentence() -> None:
    with pytest.raises(InvalidDeclaration, match=r"^Sample has no primary key: derive it from Owned as well\."):
        made(SafeInt, integer("A."), Fields, __tablename__="samples")


@pytest.mark.parametrize("annotation", [Literal["a", "b"], list[str], int | str])
def test_a_type_without_a_column_is_one_sentence(annotation: Any) -> None:
    with pytest.raises(
        InvalidDeclaration, match=r"^Sample\.it: no column type fits .*; declare an Enum with choice\(\), or write"
    ):
        made(annotation, Field(), Owned)


def test_what_would_drop_the_owners_key_is_one_sentence() -> None:
    with pytest.raises(
        InvalidDeclaration,
        match=r"^Sample\.__table_args__ replaces the constraints of Owned; put indexes and constraints",
    ):
        made(SafeInt, integer("A."), Owned, __table_args__=(Index(None, "it"),))


def test_fields_whose_nulls_would_have_no_default_are_one_sentence() -> None:
    class Plain(SQLModel):
        it: PlainText | None = long_text("A.")

    with pytest.raises(InvalidDeclaration, match=r"^Sample\.it: derive Plain from Fields, so that"):
        new_class("Sample", (Plain, Owned), {"table": True})


MAPPED = """
from sqlalchemy import CheckConstraint, Index, func, column
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
import app.installed
from app.core.data.tables import Owned, Timestamped, index, unique
from tests.core.data.tables.test_field_functions import SampleFields

class Countable:
    __indexes__ = (index("count"),)

class Sample(Countable, Timestamped, SampleFields, Owned, table=True):
    __tablename__ = "samples"
    __indexes__ = (unique("title", "at"), CheckConstraint("size > 0", name="size"), index("on", "at"))

print(CreateTable(Sample.__table__).compile(dialect=postgresql.dialect()))
for each in sorted(Sample.__table__.indexes, key=lambda each: each.name):
    print(CreateIndex(each).compile(dialect=postgresql.dialect()))
"""
COLUMNS = """
id BIGINT GENERATED BY DEFAULT AS IDENTITY
user_id VARCHAR(255) NOT NULL
title VARCHAR(9) NOT NULL
body TEXT NOT NULL
done BOOLEAN DEFAULT false NOT NULL
at TIMESTAMP WITH TIME ZONE NOT NULL
"on" DATE NOT NULL
count BIGINT NOT NULL
size FLOAT NOT NULL
token UUID NOT NULL
state VARCHAR(255) NOT NULL
other_id BIGINT NOT NULL
title_or_null VARCHAR(9)
body_or_null TEXT
done_or_null BOOLEAN
at_or_null TIMESTAMP WITH TIME ZONE
on_or_null DATE
count_or_null BIGINT
size_or_null FLOAT
token_or_null UUID
state_or_null VARCHAR(255)
other_or_null_id BIGINT
created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL
updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL
CONSTRAINT ck_samples_size CHECK (size > 0)
CONSTRAINT uq_samples_user_id_title_at UNIQUE (user_id, title, at)
CONSTRAINT uq_samples_user_id_id UNIQUE (user_id, id)
CONSTRAINT fk_samples_user_id_other_id FOREIGN KEY(user_id, other_id) REFERENCES tasks (user_id, id)
CONSTRAINT fk_samples_user_id_other_or_null_id FOREIGN KEY(user_id, other_or_null_id) REFERENCES tasks (user_id, id)
CONSTRAINT ck_samples_state CHECK ("state" IN ('as new'))
CONSTRAINT ck_samples_state_or_null CHECK ("state_or_null" IN ('as new'))
CREATE INDEX ix_samples_user_id_count ON samples (user_id, count)
CREATE INDEX ix_samples_user_id_on_at ON samples (user_id, "on", at)
CREATE INDEX ix_samples_user_id_other_id ON samples (user_id, other_id)
CREATE INDEX ix_samples_user_id_other_or_null_id ON samples (user_id, other_or_null_id)
"""


def test_columns_keys_and_indexes_follow_from_the_declaration() -> None:
    """In a process of its own: a mapped class never goes away again."""
    command = [sys.executable, "-c", MAPPED]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BASE_DIR)

    assert result.stderr == ""
    lines = [line.strip().rstrip(", ") for line in result.stdout.splitlines()]
    always = {"", "(", ")", "CREATE TABLE samples (", "CONSTRAINT pk_samples PRIMARY KEY (id)"}
    assert sorted({*lines} - always) == sorted(COLUMNS.strip().splitlines())


def test_a_table_has_its_fields_in_the_order_of_the_last_base_first() -> None:
    class Sample(Timestamped, SampleFields, Owned):
        pass

    names = list(Sample.model_fields)
    assert names == ["id", "user_id", *SampleFields.model_fields, "created_at", "updated_at"]


def test_a_factory_takes_the_default_of_a_field_that_may_be_null() -> None:
    rows = [TaskFactory.build() for _ in range(20)]

    assert {(row.project_id, row.description) for row in rows} == {(None, None)}
