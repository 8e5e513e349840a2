"""Generics: the arguments of a generic base are found in any place, and through classes in between."""

from typing import Generic, TypeVar

import pytest

from app.core.http.resource.generics import type_arguments

A = TypeVar("A")
B = TypeVar("B")


class Base(Generic[A, B]):
    pass


class Mixin:
    pass


class Other(Generic[A]):
    pass


class Between(Base[A, B]):
    pass


class Swapped(Mixin, Base[B, A], Generic[A, B]):
    pass


class Half(Other[A], Base[A, str], Mixin):
    pass


class Direct(Base[int, str]):
    pass


class First(Mixin, Base[int, str]):
    pass


class Last(Base[int, str], Mixin, Other[bytes]):
    pass


class Through(Mixin, Between[int, str]):
    pass


class ThroughSwapped(Swapped[str, int]):
    pass


class ThroughHalf(Half[int]):
    pass


class Derived(Through):
    pass


@pytest.mark.parametrize("cls", [Direct, First, Last, Through, ThroughSwapped, ThroughHalf, Derived])
def test_the_arguments_are_found(cls: type) -> None:
    assert type_arguments(cls, Base) == (int, str)


def test_what_is_open_is_a_type_variable_and_what_is_not_said_is_nothing() -> None:
    assert type_arguments(Half, Base) == (A, str)
    assert type_arguments(Mixin, Base) == ()
    assert type_arguments(type("Bare", (Base,), {}), Base) == ()
