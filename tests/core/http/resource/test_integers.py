"""Integers as text: one spelling each, in the path and in the query of any route, also of one that a noun adds."""

from typing import Annotated, Any

import pytest
from litestar import get
from litestar.params import FromPath, QueryParameter

from app.core.http.resource.integers import NO_ID, is_integer, parse_id
from app.testing.clients import Client, assert_error
from tests.core.http.conftest import Make, app_with

ONE_SPELLING = ("0", "1", "10", "-1", "-10", "9223372036854775808", "4" * 4300)
OTHER_SPELLINGS = ("1_0", "+10", "010", "00", "-0", "-01", " 10", "10 ", "10\n", "\t10", "\xa010", "٣١٣", "१०")
NO_INTEGERS = ("", "-", "x", "1.0", "1e1", "0x1", "1__0", "_1", "--1", "²", "Ⅷ", "½", "10\x00", "1" * 4301)


@pytest.mark.parametrize("text", ONE_SPELLING)
def test_decimal_digits_are_the_one_spelling(text: str) -> None:
    assert is_integer(text)
    assert parse_id(text) == int(text)


@pytest.mark.parametrize("text", OTHER_SPELLINGS)
def test_an_integer_in_another_spelling_is_the_id_of_no_row(text: str) -> None:
    assert isinstance(int(text), int)
    assert not is_integer(text)
    assert parse_id(text) == NO_ID


@pytest.mark.parametrize("text", NO_INTEGERS)
def test_what_is_no_integer_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r"int|digits"):
        parse_id(text)


@pytest.mark.any_database
@pytest.mark.parametrize(("id", "status"), [("1", 401), ("01", 401), ("x", 404), ("1.0", 404), ("%F0%9D%9F%8F", 401)])
async def test_without_a_token_every_id_is_a_401(id: str, status: int) -> None:
    assert_error(await Client(app_with()).get(f"/api/tasks/{id}"), status)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("count=10", 200),
        ("count=010", 422),
        ("maybe=10", 200),
        ("maybe=1e1", 422),
        ("either=1e1", 200),
        ("flag=1", 200),
        ("ratio=1e1", 200),
        ("word=010", 200),
    ],
)
async def test_only_a_parameter_that_is_an_integer_has_one_spelling(make_app: Make, query: str, status: int) -> None:
    @get("/typed/{year:int}")
    async def typed(  # noqa: PLR0917  # Litestar gives each by its name
        year: FromPath[int],
        count: Annotated[int, QueryParameter()] = 0,
        maybe: Annotated[int | None, QueryParameter()] = None,
        either: Annotated[int | str, QueryParameter()] = "",
        flag: Annotated[bool, QueryParameter()] = False,
        ratio: Annotated[float, QueryParameter()] = 0.0,
        word: Annotated[str, QueryParameter()] = "",
    ) -> list[Any]:
        return [year, count, maybe, either, flag, ratio, word]

    app = make_app()
    app.register(typed)

    answer = await Client(app, "alice").get(f"/typed/2026?{query}")

    assert answer.status_code == status
    if status == 422:
        assert answer.json()["errors"][0]["loc"] == ["query", query.partition("=")[0]]
