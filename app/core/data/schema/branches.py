"""Two branches of migrations: refused until a merge migration joins them."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

from alembic import command
from alembic.script import Script, ScriptDirectory

from app.core.data.errors import MigrationError
from app.core.data.schema.configuration import alembic_config, script_directory

_REVISION: Final = re.compile(r"^(revision(?:: str)? = )(['\"])(.+?)\2", re.MULTILINE)
_FOLLOWS: Final = re.compile(r"^down_revision\b.*", re.MULTILINE)
_DATE: Final = re.compile(r"^Create Date: (.+)$", re.MULTILINE)
_LONGEST: Final = 32  # characters of alembic_version.version_num


def refuse_branches(scripts: ScriptDirectory) -> None:
    """Raise MigrationError if the migrations have two heads, or two files have the same revision."""
    # Of two files with the same revision, alembic would load only one.
    for revision, paths in _same_revision(scripts).items():
        names = " and ".join(path.name for path in paths)
        raise MigrationError(f"{names} are both the migration {revision}: run `app makemigrations --merge`")
    heads = sorted(scripts.get_heads())
    if len(heads) > 1:
        raise MigrationError(
            f"the migrations {' and '.join(heads)} are both the newest: run `app makemigrations --merge`"
        )


def merge_migrations() -> Path | None:
    """Write the migration that joins two heads, and return its path; None if there is one head."""
    _rename_duplicates(script_directory())
    scripts = script_directory()
    if len(scripts.get_heads()) < 2:
        return None
    script = command.merge(alembic_config(), "heads", message="merge", rev_id=next_number(scripts))
    return Path(script.path) if isinstance(script, Script) else None


def next_revision() -> str:
    """Return the revision of the next migration, such as `0005`; MigrationError if the migrations have two heads."""
    scripts = script_directory()
    refuse_branches(scripts)
    return next_number(scripts)


def _rename_duplicates(scripts: ScriptDirectory) -> None:
    # Of two files with the same revision, the younger gets its file name as revision.
    for revision, paths in _same_revision(scripts).items():
        following = [path.name for path in _files(scripts) if _follows(path, revision)]
        if following:
            names = " or ".join(path.name for path in paths)
            raise MigrationError(
                f"{following[0]} follows {revision}, which is {names}: change the revision of one of them by hand"
            )
        for path in sorted(paths, key=_created)[1:]:
            _rename(path, revision, path.stem[:_LONGEST])


def next_number(scripts: ScriptDirectory) -> str:
    """Return the highest number of the present files, plus one."""
    numbers = (re.match(r"\d+", path.name) for path in _files(scripts))
    return f"{max((int(number[0]) for number in numbers if number), default=0) + 1:04d}"


def _same_revision(scripts: ScriptDirectory) -> dict[str, list[Path]]:
    found = defaultdict(list)
    for path in _files(scripts):
        if named := _REVISION.search(path.read_text()):
            found[named[3]].append(path)
    return {revision: paths for revision, paths in found.items() if len(paths) > 1}


def _files(scripts: ScriptDirectory) -> list[Path]:
    return sorted(Path(scripts.versions).glob("*.py"))


def _follows(path: Path, revision: str) -> bool:
    line = _FOLLOWS.search(path.read_text())
    return line is not None and re.search(rf"['\"]{re.escape(revision)}['\"]", line[0]) is not None


def _created(path: Path) -> str:
    date = _DATE.search(path.read_text())
    return date[1] if date else ""


def _rename(path: Path, old: str, new: str) -> None:
    text = _REVISION.sub(rf"\g<1>\g<2>{new}\g<2>", path.read_text(), count=1)
    path.write_text(text.replace(f"Revision ID: {old}", f"Revision ID: {new}", 1))
