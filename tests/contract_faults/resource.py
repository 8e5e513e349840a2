"""What a fault is, a resource without any, and what faulty ones are made of."""

from typing import Any, NamedTuple, cast

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.data.ownership.guard import everyone
from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.actions import action
from app.core.http.resource.controller import ResourceController
from app.core.http.resource.stats import count, figures, max_of
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import Resource, Rule

PATH = "/api/faulty"
TASK: Any = Task


class Fault(NamedTuple):
    """What is wrong, which rule says so in which words, and whether row level security makes it harmless."""

    resource: Resource
    found_by: Rule
    words: str
    held_by_database: bool = False


def unfiltered(repository: Repository[Task]) -> AppSession:
    return everyone(AppSession(cast("AsyncEngine", repository.session.bind)))


class OnlyRead(ResourceController[Task, CreateSchema, UpdateSchema]):
    path = PATH
    operations = frozenset({"list", "get"})


class OnlyWritten(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    operations = frozenset({"create", "update"})


class Faultless(ResourceController[Task, TaskCreate, TaskUpdate]):
    path = PATH
    expand = ("project",)
    finish = action("Mark it as finished.", {"completed": True, "title": "Finished"})
    stats = figures(
        total=count("All."),
        open=count("Those that are not completed.", lambda task: ~task.completed),
        latest=max_of("created_at", "When the latest of them was created.", lambda task: ~task.completed),
        group_by=("completed", "project_id", "title"),
    )
    append = action("Make its title longer.", {"title": func.substr("x" + TASK.title, 1, 200)})


class OnlyActs(ResourceController[Task, CreateSchema, UpdateSchema]):
    path = PATH
    operations = frozenset({"finish"})
    finish = action("Mark it as finished.", {"completed": True, "title": "Finished"})
