"""A second mapping of the application's tables, with every feature of a mapping.

The classes do not derive from `Owned`: only their tables show that the rows have owners.
"""

from typing import Any, Final

from sqlalchemy import and_, func, inspect, select
from sqlalchemy.orm import column_property, query_expression, registry, relationship

from app.projects.models import Project
from app.tasks.models import Task

_TASKS: Final[Any] = inspect(Task).local_table
_PROJECTS: Final[Any] = inspect(Project).local_table
_OTHERS: Final[Any] = _TASKS.alias("alike")


class Card:
    """A task in another mapping."""

    id: Any
    title: Any
    description: Any
    created_at: Any
    remark: Any
    board: Any


class Board:
    """A project in another mapping."""

    id: Any
    name: Any
    remark: Any


_registry: Final = registry()
_registry.map_imperatively(
    Board,
    _PROJECTS,
    properties={
        "remark": query_expression(),
        "size": column_property(
            select(func.count()).select_from(_OTHERS).where(_OTHERS.c.project_id == _PROJECTS.c.id).scalar_subquery()
        ),
        "cards": relationship(
            Card,
            primaryjoin=_PROJECTS.c.id == _TASKS.c.project_id,
            foreign_keys=[_TASKS.c.project_id],
            viewonly=True,
            order_by=_TASKS.c.id,
        ),
    },
)
_registry.map_imperatively(
    Card,
    _TASKS,
    properties={
        "remark": query_expression(),
        "alike": column_property(
            select(func.max(_OTHERS.c.id)).where(_OTHERS.c.title == _TASKS.c.title).scalar_subquery(), deferred=True
        ),
        "board": relationship(
            Board,
            primaryjoin=_PROJECTS.c.id == _TASKS.c.project_id,
            foreign_keys=[_TASKS.c.project_id],
            viewonly=True,
        ),
        "namesake": relationship(
            Board,
            primaryjoin=and_(_PROJECTS.c.name == _TASKS.c.title, _PROJECTS.c.id > 0),
            foreign_keys=[_TASKS.c.title],
            remote_side=[_PROJECTS.c.name],
            viewonly=True,
            uselist=True,
            order_by=_PROJECTS.c.id,
        ),
    },
)
