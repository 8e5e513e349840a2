"""Values in a query: one spelling each, read as it is written, and refused with a sentence."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from app.core.data.tables.decimals import decimal_rules
from app.core.data.tables.field_types import Instant, NonBlankText, PlainText, RowId, SafeInt
from app.core.data.tables.versions import FIRST_INSTANT, LAST_INSTANT
from app.core.http.resource.values import MAX_INT64, MAX_TEXT, value_type_of


class Size(StrEnum):
    """A choice."""

    SMALL = "s"
    LARGE = "l"


Money = Annotated[Decimal, Field(max_digits=18, decimal_places=2)]

READ: list[tuple[Any, str, Any]] = [
    (bool, "true", True),
    (bool | None, "false", False),
    (int, "-1", -1),
    (RowId | None, str(MAX_INT64), MAX_INT64),
    (SafeInt, str(-MAX_INT64 - 1), -MAX_INT64 - 1),
    (float, "0.5", 0.5),
    (float, "1e3", 1000.0),
    (date, "2024-02-29", date(2024, 2, 29)),
    (Instant, "2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
    (datetime, "2024-02-29T12:00:00.000001+02:00", datetime(2024, 2, 29, 10, 0, 0, 1, tzinfo=UTC)),
    (datetime, "2024-02-29T12:00:00 02:00", datetime(2024, 2, 29, 10, tzinfo=UTC)),
    (UUID, "0190a5d2-1c4e-7b3a-9f60-5d2c8e7a4b11", UUID("0190a5d2-1c4e-7b3a-9f60-5d2c8e7a4b11")),
    (Size, "l", Size.LARGE),
    (Literal["soft", "hard"], "hard", "hard"),
    (Money, "12.50", Decimal("12.50")),
    (PlainText, "", ""),
    (NonBlankText, " +,%_\\ Ü🥛", " +,%_\\ Ü🥛"),
    (str, "x" * MAX_TEXT, "x" * MAX_TEXT),
]
REFUSED: list[tuple[Any, str, str]] = [
    *((bool, text, "true or false") for text in ("", "True", "TRUE", "1", "0", "yes", "null", " true")),
    *((int, text, "integer") for text in ("", "+1", "01", "1.0", "1e1", "1_0", " 1", "-0", "٣", "9" * 5000)),
    *((int, str(number), "integer") for number in (MAX_INT64 + 1, -MAX_INT64 - 2)),
    *((float, text, "number") for text in ("", "NaN", "inf", "1e999", "1.", ".5", "+1", "0x1", "1_0")),
    *((date, text, "date") for text in ("", "2024-02-30", "2024-2-1", "20240229", "2024-02-29T00:00:00Z", "0")),
    *(
        (Instant, text, "offset")
        for text in ("", "2024-02-29T12:00:00", "2024-02-29 12:00:00Z", "2024-02-30T12:00:00Z")
    ),
    *((Instant, text, "offset") for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "1700000000")),
    *((Instant, text, "offset") for text in ("2024-02-29T12:00:00.0000001Z", "2024-02-29T12:00:00+25:00")),
    (Instant, "2024-02-29", "<day>T00:00:00Z"),
    *(
        (UUID, text, "UUID")
        for text in ("", "0190A5D2-1C4E-7B3A-9F60-5D2C8E7A4B11", "0190a5d21c4e7b3a9f605d2c8e7a4b11")
    ),
    *((Size, text, "Send one of s, l") for text in ("", "S", "SMALL", "m")),
    *((Money, text, "ecimal|number") for text in ("", "12.505", "1e400", "NaN", "1,5", "12345678901234567890")),
    *((str, text, "UTF-8") for text in ("a\x00b", "\ud800", "\udcff")),
    (str, "x" * (MAX_TEXT + 1), "1,000 characters"),
]


@pytest.mark.parametrize(("annotation", "text", "value"), READ)
def test_a_value_is_read(annotation: Any, text: str, value: Any) -> None:
    kind = value_type_of(annotation)

    assert kind
    assert kind.read(text) == value
    assert type(kind.read(text)) is type(value)


@pytest.mark.parametrize(("annotation", "text", "words"), REFUSED)
def test_a_value_is_refused_in_words_that_do_not_repeat_it(annotation: Any, text: str, words: str) -> None:
    kind = value_type_of(annotation)

    assert kind
    with pytest.raises(ValueError, match=words.replace(".", r"\.")) as refused:
        kind.read(text)
    assert len(str(refused.value)) < 200


WRITTEN: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-MAX_INT64 - 1, MAX_INT64),
    float: st.floats(allow_nan=False, allow_infinity=False),
    date: st.dates(),
    datetime: st.datetimes(
        FIRST_INSTANT.replace(tzinfo=None), LAST_INSTANT.replace(tzinfo=None), timezones=st.just(UTC)
    ),
    UUID: st.uuids(),
    Size: st.sampled_from(Size),
    Money: st.decimals(-(10**15), 10**15, places=2),
    str: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=MAX_TEXT),
}


@pytest.mark.parametrize("annotation", WRITTEN)
@given(data=st.data())
def test_a_value_is_read_as_it_was_written(annotation: Any, data: st.DataObject) -> None:
    kind, value = value_type_of(annotation), data.draw(WRITTEN[annotation])

    assert kind
    assert kind.read(kind.write(value)) == value


@pytest.mark.parametrize("annotation", [list[str], dict[str, Any], int | str, bytes, Callable])
def test_other_types_have_no_values_in_a_query(annotation: Any) -> None:
    assert value_type_of(annotation) is None


def test_a_decimal_is_compared_with_any_number_of_its_scale() -> None:
    kind = value_type_of(Decimal, (decimal_rules(2, ge=0, le=10),))

    assert kind
    assert [kind.read(text) for text in ("-1.00", "10.01")] == [Decimal("-1.00"), Decimal("10.01")]
    with pytest.raises(ValueError, match="digits"):
        kind.read("1.001")
