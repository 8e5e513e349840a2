"""Reading a document: its operations, and every part of it."""

from collections.abc import Iterator
from typing import Any

Part = dict[str, Any]


def operations(document: Part) -> Iterator[tuple[str, str, Part]]:
    """Yield path, method and operation."""
    for path, item in document["paths"].items():
        yield from ((path, method, operation) for method, operation in item.items())


def parts(node: Any) -> Iterator[Part]:
    """Yield every object in a part of a document."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from parts(child)


def resolved(document: Part, part: Part) -> Part:
    """Return what a part refers to, or itself."""
    if "$ref" not in part:
        return part
    target: Any = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        target = target[name]
    assert isinstance(target, dict)
    return target


def is_public(path: str) -> bool:
    """Tell whether it is a path that wants no token."""
    return path.startswith("/health")
