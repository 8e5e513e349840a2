"""Preferences: every form that RFC 7240 allows, and nothing that a hostile header could make slow."""

import time

import pytest

from app.core.http.resource.preferences import parse_prefer


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], {}),
        (["count=exact"], {"count": "exact"}),
        (["return=minimal", "count=exact"], {"return": "minimal", "count": "exact"}),
        (["return=minimal, count=exact,wait=10"], {"return": "minimal", "count": "exact", "wait": "10"}),
        (['count="exact"'], {"count": "exact"}),
        (['Lenient, COUNT=exact ; p; q="a, count=none;"'], {"lenient": "", "count": "exact"}),
        (["  count\t=  exact\t"], {"count": "exact"}),
        (["count=exact, count=planned", "count=none"], {"count": "exact"}),
        (['count="", x'], {"count": "", "x": ""}),
        ([r'x="a\"b\\c, count=no", count=exact'], {"x": 'a"b\\c, count=no', "count": "exact"}),
        ([",, ,count=exact,,"], {"count": "exact"}),
        (['x="never closed, count=exact'], {}),
        (['x="never closed\\', "count=exact"], {"count": "exact"}),
        (["=exact, count==exact, count=exact extra, count=ex act, coúnt=exact, @, ;count=exact"], {}),
        (["count=exact;"], {"count": "exact"}),
    ],
)
def test_every_form_is_read(lines: list[str], expected: dict[str, str]) -> None:
    assert parse_prefer(lines) == expected


@pytest.mark.parametrize(
    "piece", ['"', '\\"', '"\\', "\\", ",", ";", "=", 'a="', "a=", "a", " ", "\t", " a", "a ", '",', "\t,"]
)
def test_a_long_header_takes_no_longer_than_its_length(piece: str) -> None:
    line = piece * (65_536 // len(piece))
    started = time.process_time()

    parse_prefer([line, f"x{line}", f"x{line}x", f"x={line}x", f'x="{line}x', f"x;{line}x"])

    assert time.process_time() - started < 0.5
