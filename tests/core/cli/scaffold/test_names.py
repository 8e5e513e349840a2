"""Names that cannot be, each with its reason, where the command alone does not get to them."""

import click
import pytest

from app.core.cli.scaffold.fields import parse_fields
from app.core.cli.scaffold.names import MAX_NAME, Noun, refuse_names

LONG = "n" * MAX_NAME


def noun(plural: str, field: str, target: str) -> Noun:
    return Noun(plural, "note", parse_fields([field], {target: f"{target}s"}))


def test_a_key_that_postgresql_would_cut_off_is_refused_and_one_that_just_fits_is_not() -> None:
    refuse_names(noun(LONG, "projects:ref", "projects"))  # fk_..._user_id_projects_id has 63 characters

    with pytest.raises(click.UsageError, match=f"cut off fk_{LONG}_user_id_projectss_id, .* shorter name for the noun"):
        refuse_names(noun(LONG, "projectss:ref", "projectss"))


def test_nothing_refers_to_users_by_the_column_that_is_the_owners() -> None:
    with pytest.raises(click.UsageError, match="'user_id' is the owner of a row; write the reference to users by hand"):
        refuse_names(noun("notes", "user:ref", "user"))


@pytest.mark.parametrize("singular", ["none", "true", "false"])
def test_a_class_cannot_be_called_like_a_keyword(singular: str) -> None:
    with pytest.raises(click.UsageError, match="is a Python keyword; choose another singular with --singular"):
        refuse_names(Noun(f"{singular}s", singular, parse_fields([], {})))
