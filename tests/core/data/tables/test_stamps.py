"""Stamps: a class with a stamp that could not follow its flag, or that clients could send, is refused."""

from types import new_class
from typing import Any

import pytest

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables import Fields, Instant, Owned, SafeInt, flag, integer, stamp


class DoneFields(Fields):
    """A flag and a number."""

    is_done: bool = flag("Whether it is done.")
    count: SafeInt = integer("How many.")


class StampedFields(DoneFields):
    """A stamp that a schema would take."""

    done_at: Instant | None = stamp("is_done", "When it was done.")


def make(bases: tuple[type, ...], kind: Any, flag_name: str) -> None:
    def fill(body: dict[str, Any]) -> None:
        body |= {"__tablename__": "wrongs", "__annotations__": {"at": kind}, "at": stamp(flag_name, "When.")}

    new_class("Wrong", (*bases, Owned), {"table": True}, fill)


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        (Instant | None, "missing", r"^Wrong.at: 'missing' is not a flag\(\) of the class; name the flag"),
        (Instant | None, "count", r"^Wrong.at: 'count' is not a flag\(\) of the class"),
        (Instant, "is_done", "^Wrong.at: it is null while is_done is false; annotate it as Instant | None"),
        (SafeInt | None, "is_done", r"^Wrong.at: stamp\(\) is for Instant"),
    ],
)
def test_a_wrong_stamp_is_refused_when_the_class_is_made(kind: Any, name: str, sentence: str) -> None:
    with pytest.raises(InvalidDeclaration, match=sentence):
        make((DoneFields,), kind, name)


def test_a_stamp_that_clients_could_send_is_refused() -> None:
    def fill(body: dict[str, Any]) -> None:
        body["__tablename__"] = "wrongs"

    with pytest.raises(InvalidDeclaration, match=r"^Wrong.done_at: declare it on Wrong itself, or clients could send"):
        new_class("Wrong", (StampedFields, Owned), {"table": True}, fill)


def test_a_stamp_before_its_flag_is_refused() -> None:
    def fill(body: dict[str, Any]) -> None:
        body |= {"__tablename__": "wrongs", "__annotations__": {"at": Instant | None, "is_sent": bool}}
        body |= {"at": stamp("is_sent", "When."), "is_sent": flag("Whether it is sent.")}

    with pytest.raises(InvalidDeclaration, match=r"^Wrong.at: declare it after is_sent, which it follows\.$"):
        new_class("Wrong", (Owned,), {"table": True}, fill)
