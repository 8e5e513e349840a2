"""The house's laws as functions: each takes a file's path and its source, and returns what breaks the law, and where.

A path is relative to the repository. A message says file, line, and what to do instead.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Final

Law = Callable[[str, str], list[str]]

# Who may be imported by whom: a room by every room with a higher floor. Rooms of one floor do not know each other.
FLOORS: Final = {
    "settings": 0,
    "core.data": 1,
    "core.auth": 1,
    "core.http": 2,
    "core.ops": 3,
    "core.cli": 4,
    "batteries": 5,
    "a noun": 6,
    "installed": 7,
    "asgi": 8,
    "context": 9,
    "testing": 10,
}
# The same inside a room: its folders, and the files that stand beside them, which every folder may import.
INNER_FLOORS: Final = {
    "core.data": {
        "errors": 0,
        "tables": 1,
        "sql": 2,
        "connection": 3,
        "schema": 4,
        "ownership": 5,
        "repository": 6,
        "transfer": 7,
    },
    "core.http": {
        "headers": 0,
        "probes": 0,
        "problems": 0,
        "body": 1,
        "rate_limit": 1,
        "edge": 2,
        "resource": 2,
        "exception_handlers": 3,
        "docs": 4,
    },
}
LONGEST_FILE: Final = 200
TOP_LEVEL: Final = frozenset({"app", "migrations", "tests", "pyproject.toml", ".env.example", "README.md"})

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NAMELESS: Final = frozenset({"utils", "util", "helpers", "helper", "common", "lib", "misc"})
# What no noun writes, and what to write instead.
_MAPPED: Final = "ask with the mapped class, to which the session adds the owner"
_ASK: Final = "ask through the repository, whose session knows the owner"
CLOSED: Final = {
    **dict.fromkeys(("text", "literal_column", "table", "TextClause", "__table__", "metadata"), _MAPPED),
    **dict.fromkeys(("insert", "bulk_save_objects", "bulk_insert_mappings"), "store with repository.insert_one()"),
    **dict.fromkeys(
        ("AsyncSession", "Session", "connection", "get_bind", "bind", "exec_driver_sql", "sync_session"), _ASK
    ),
    **dict.fromkeys(("begin", "commit", "rollback"), "several statements belong into `session.atomic()`"),
    **dict.fromkeys(("everyone", "bind_owner"), "who is served is the guard's to say, before any noun is asked"),
}
FIELD_FUNCTIONS: Final = "app.core.data.tables"
# The files that import a module by a name that is only known when they run, and which modules these are.
IMPORTERS: Final = {
    "app/__main__.py": "a command, by the name that the user types",
    "app/context.py": "checks.py and factories.py of each installed noun",
    "app/core/cli/startapp.py": "the noun that it has just written",
    "app/core/http/rate_limit/setup.py": "the Redis store, whose package is optional",
}
_DYNAMIC_IMPORTS: Final = frozenset({"import_module", "__import__", "resolve_name"})
ESCAPE: Final = re.compile(r"# crosses the border: \S")
# In pieces, so that this file obeys its own law.
_REGISTRIES: Final = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "python" + "hosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
    )
)
_MACHINE_PATH: Final = re.compile(r"(?<![\w./-])/(?:home|Users|root|work)/\w|\b[A-Z]:\\" + r"Users\\")


def imports_go_one_way(path: str, source: str) -> list[str]:
    """Law (a): a room imports from lower floors only."""
    here = module_of(path)
    room = _room_of(here)
    found = []
    for line, target in imports_of(path, source):
        other = _room_of(target)
        if here == "app.__main__":
            found.append(f"{path}:{line}: imports {target}; __main__ imports a command only when it is called")
        elif other == "testing" and room != "testing" and not _is_factory(here):
            found.append(f"{path}:{line}: imports {target}; only app.testing and a noun's factories.py may")
        elif _is_factory(target) and room != "testing" and here != target:
            found.append(f"{path}:{line}: imports {target}; factories are for app.testing and for tests")
        elif room is None or other is None:
            found.append(f"{path}:{line}: imports {target}, which is in no room; rooms are {', '.join(FLOORS)}")
        elif room != other and FLOORS[other] >= FLOORS[room] and not (_is_factory(here) and other == "testing"):
            found.append(
                f"{path}:{line}: {room} imports {target}; it may import from lower floors only: move one of them"
            )
    return found


def imports_go_one_way_inside_a_room(path: str, source: str) -> list[str]:
    """Law (b): a folder of a room imports from lower folders only."""
    here = module_of(path)
    room = _room_of(here)
    floors = INNER_FLOORS.get(room or "", {})
    place = _place_of(here)
    if not floors or not place:
        return []
    if place not in floors:
        return [f"{path}:1: `{place}` is no part of {room}; its parts are {', '.join(floors)}"]
    targets = (
        (line, target, _place_of(target)) for line, target in imports_of(path, source) if _room_of(target) == room
    )
    return [
        f"{path}:{line}: {place} imports {target}; it may import from lower floors only: move one of them"
        for line, target, other in targets
        if other != place and floors.get(other, len(floors)) >= floors[place]
    ]


def nouns_share_models_only(path: str, source: str) -> list[str]:
    """Law (c): of another noun, a noun sees the tables and nothing else."""
    here = module_of(path)
    if _room_of(here) != "a noun":
        return []
    return [
        f"{path}:{line}: imports {target}; of another noun import `models` only"
        for line, target in imports_of(path, source)
        if _room_of(target) == "a noun" and _noun_of(target) != _noun_of(here) and target.split(".")[2:3] != ["models"]
    ]


def imports_stand_at_the_top(path: str, source: str) -> list[str]:
    """Law (d): imports stand at the top of a file, or there below `if TYPE_CHECKING` or `if find_spec("package")`."""
    tree = ast.parse(source)
    conditions = [node for node in tree.body if isinstance(node, ast.If)]
    blocks = [tree.body, *(n.body for n in conditions if _is_type_checking(n.test) or _asks_for_package(n.test))]
    blocks += [n.orelse for n in conditions if _asks_for_package(n.test)]
    allowed = {id(statement) for block in blocks for statement in block}
    return [
        f"{path}:{node.lineno}: an import inside a block; put it at the top of the file"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in allowed
    ]


def imports_are_statements(path: str, source: str) -> list[str]:
    """Law (l): an import is a statement, which mypy, grep and the laws on imports can see."""
    if path in IMPORTERS:
        return []
    return [
        f"{path}:{node.lineno}: `{ast.unparse(node)}` hides an import; write an import statement at the top of the file"
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Name) and node.id in _DYNAMIC_IMPORTS)
        or (isinstance(node, ast.Attribute) and node.attr in _DYNAMIC_IMPORTS)
    ]


def nouns_leave_sessions_alone(path: str, source: str) -> list[str]:
    """Law (e): nothing in a noun that the session's hooks could not see or that would end its work.

    A line that must is marked `# crosses the border: <why>`, and can be found by that.
    """
    if _room_of(module_of(path)) != "a noun":
        return []
    lines = source.splitlines()
    return [
        f"{path}:{number}: `{word}` in a noun; {CLOSED[word]}"
        for number, word in sorted(set(_closed_words(source)))
        if not ESCAPE.search(lines[number - 1])
    ]


def _closed_words(source: str) -> Iterator[tuple[int, str]]:
    """What is imported, named or called, under whatever name: `sa.text`, `text as t`, `session.commit()`."""
    nodes = list(ast.walk(ast.parse(source)))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    # The field function `text` has the name of SQLAlchemy's; it is known by its import.
    declared = {a.asname or a.name for node in imports if node.module == FIELD_FUNCTIONS for a in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            is_open = node.module == FIELD_FUNCTIONS or not str(node.module).startswith(
                ("sqlalchemy", "sqlmodel", "app")
            )
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in CLOSED and not is_open)
        elif isinstance(node, ast.Attribute) and node.attr in CLOSED:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Name) and node.id in CLOSED.keys() - declared and isinstance(node.ctx, ast.Load):
            yield node.lineno, node.id  # where it is read: a field may have the name


def modules_are_named_for_what_they_know(path: str, _: str) -> list[str]:
    """Law (f): a name under which anything could be put is not a name."""
    parts = PurePosixPath(path).with_suffix("").parts
    return [f"{path}:1: `{part}` says nothing; name it for what it knows" for part in parts if part in _NAMELESS]


def everything_public_is_described(path: str, source: str) -> list[str]:
    """Law (g): modules, and their public functions and classes, have a docstring. A method has one if it says more."""
    tree = ast.parse(source)
    public = (n for n in tree.body if isinstance(n, _DEFINITIONS) and not n.name.startswith("_"))
    return [
        f"{path}:{getattr(node, 'lineno', 1)}: {getattr(node, 'name', 'the module')} has no docstring; write one"
        for node in (tree, *public)
        if not ast.get_docstring(node)
    ]


def files_are_short(path: str, source: str) -> list[str]:
    """Law (h): a file that is too long is about two things."""
    lines = len(source.splitlines())
    return [f"{path}:{lines}: {lines} lines, {LONGEST_FILE} at most; split it"] if lines > LONGEST_FILE else []


def top_level_is_known(path: str, _: str) -> list[str]:
    """Law (j): the top level holds the parts that every project on this frame has, and dot-files."""
    top = PurePosixPath(path).parts[0]
    is_known = top in TOP_LEVEL or top.startswith(".")
    return (
        [] if is_known else [f"{path}:1: `{top}` at the top level; put it into one of {', '.join(sorted(TOP_LEVEL))}"]
    )


def nothing_names_a_machine(path: str, source: str) -> list[str]:
    """Law (k): no host of a package registry, no path of somebody's computer."""
    return [
        f"{path}:{number}: names a package registry or a path of one machine; leave it to the environment"
        for number, line in enumerate(source.splitlines(), 1)
        if any(host in line for host in _REGISTRIES) or _MACHINE_PATH.search(line)
    ]


APP_LAWS: Final[tuple[Law, ...]] = (
    imports_go_one_way,
    imports_go_one_way_inside_a_room,
    nouns_share_models_only,
    imports_stand_at_the_top,
    imports_are_statements,
    nouns_leave_sessions_alone,
    modules_are_named_for_what_they_know,
    everything_public_is_described,
    files_are_short,
)
REPOSITORY_LAWS: Final[tuple[Law, ...]] = (top_level_is_known, nothing_names_a_machine)


def imports_of(path: str, source: str) -> Iterator[tuple[int, str]]:
    """Every import of something in `app`, as line and full name; `from app.core import http` is app.core.http."""
    package = _package_of(path)
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            module = base if node.level else (node.module or "")
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "app" and name != "app":
                yield getattr(node, "lineno", 0), name


def _package_of(path: str) -> list[str]:
    return list(PurePosixPath(path).parts[:-1])


def module_of(path: str) -> str:
    """Return the name under which a file is imported."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room_of(module: str) -> str | None:
    """The room that a module, or a name in it, belongs to; None where it belongs to none."""
    parts = module.split(".")[1:]
    if not parts:
        return "settings"  # app/__init__.py: the floor below everything
    if parts[0] == "core":
        room = ".".join(parts[:2])
        return room if room in FLOORS else None
    return parts[0] if parts[0] in FLOORS else "a noun"


def _place_of(module: str) -> str:
    """The folder of a room, or the file beside the folders, that a module belongs to."""
    return ".".join(module.split(".")[3:4])


def _noun_of(module: str) -> str:
    return module.split(".")[1]


def _is_factory(module: str) -> bool:
    place = {"a noun": 2, "batteries": 3}.get(_room_of(module) or "")
    return place is not None and module.split(".")[place : place + 1] == ["factories"]


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _asks_for_package(test: ast.expr) -> bool:
    return isinstance(test, ast.Call) and ast.unparse(test.func) in {"find_spec", "importlib.util.find_spec"}
