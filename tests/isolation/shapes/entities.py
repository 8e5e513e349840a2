"""SELECTs of the ORM: entities, relationships and their loaders, lambdas, statements as sources."""

from typing import Any, Final

from sqlalchemy import func, inspect, lambda_stmt, select, union_all
from sqlalchemy.orm import (
    Bundle,
    contains_eager,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    selectinload,
    subqueryload,
    undefer,
    with_expression,
    with_loader_criteria,
)

from app.projects.models import Project
from app.tasks.models import Task
from tests.isolation.shapes.conditions import named
from tests.isolation.shapes.expressions import CONDITIONS, condition, expression
from tests.isolation.shapes.grammar import NUMBER, Author, Scope, Source
from tests.isolation.shapes.mappings import Board, Card
from tests.isolation.shapes.queries import filtered
from tests.isolation.shapes.shape import READS, Statement
from tests.isolation.shapes.sources import PROJECT, TASK, class_source, core, fresh_sources

_TASKS: Final = core(Task)
_LOADERS: Final = [joinedload, selectinload, subqueryload, immediateload, lazyload]


def entity_source(author: Author, scope: Scope) -> Source:
    """Return a source that the ORM can select as an entity."""
    while (source := fresh_sources(author, scope, most=1)[0]).entity is None:
        pass
    return source


def relationships(entity: Any) -> list[Any]:
    """Return the relationships of a class or an alias."""
    return [getattr(entity, name) for name, _ in inspect(entity).mapper.relationships.items()]


@READS(3)
def _whole_rows(author: Author, scope: Scope) -> Statement:
    inner = scope.over(entity_source(author, scope))
    return _ended(author, filtered(author, select(inner.sources[0].entity), inner), inner)


def _ended(author: Author, statement: Any, scope: Scope) -> Statement:
    statement = statement.order_by(*scope.key())
    if author.happens(0.3):
        statement = statement.limit(author.number(1, 4))
    elif author.happens(0.3):
        statement = statement.with_for_update(
            of=scope.sources[0].entity if author.happens(0.5) else None, skip_locked=author.happens(0.5)
        )
    return Statement(statement, is_ordered=True, has_entities=True)


@READS(3)
def _rows_with_options(author: Author, scope: Scope) -> Statement:
    inner = scope.over(entity_source(author, scope))
    entity = inner.sources[0].entity
    statement = filtered(author, select(entity), inner)
    if paths := relationships(entity):
        path = author.choose(paths)
        criteria = path.and_(condition(author, _target_scope(path, inner))) if author.happens(0.3) else path
        statement = statement.options(author.choose(_LOADERS)(criteria))
    if author.happens(0.3):
        statement = statement.options(with_loader_criteria(author.choose([Project, Board]), lambda cls: cls.id > 3))
    if hasattr(entity, "remark") and author.happens(0.7):
        statement = statement.options(with_expression(entity.remark, expression(author, NUMBER, inner)))
    if hasattr(entity, "alike") and author.happens(0.5):
        statement = statement.options(undefer(entity.alike))
    elif author.happens(0.2):
        statement = statement.options(load_only(entity.id))
    return _ended(author, statement, inner)


def _target_scope(path: Any, scope: Scope) -> Scope:
    model = path.property.mapper.class_
    return Scope((class_source(model),), min(scope.depth - 1, 1))


@READS(2)
def _joined_along_a_relationship(author: Author, scope: Scope) -> Statement:
    source = entity_source(author, scope)
    inner = scope.over(source)
    paths = relationships(source.entity)
    if not paths:
        return _ended(author, filtered(author, select(source.entity), inner), inner)
    path = author.choose(paths)
    target = path.property.mapper.class_
    chosen = author.choose([[source.entity], [source.entity, target], [source.entity.id, target.id]])
    statement = select(*chosen).join(path, isouter=author.happens(0.5)).order_by(source.entity.id, target.id)
    if len(chosen) == 1 and author.happens(0.5):
        statement = statement.options(contains_eager(path))
    return Statement(filtered(author, statement, inner), has_entities=True)


@READS(1)
def _from_another_statement(author: Author, scope: Scope) -> Statement:
    source = class_source(author.choose([Project, Board]))
    inner = scope.over(source)
    model = source.element
    whole = select(core(model)) if author.happens(0.5) else select(model)
    read = filtered(author, whole, inner)
    if author.happens(0.5):
        read = union_all(read, filtered(author, whole, inner))
    return Statement(select(model).from_statement(read), has_entities=True)


@READS(1)
def _lambda(author: Author, _: Scope) -> Statement:
    """SQLAlchemy caches a lambda statement by its code, and reads only its closure again."""
    beyond, text = author.number(3, 17), author.choose(["milk", "house"])
    written = author.one_of(
        lambda: lambda_stmt(lambda: select(TASK).where(TASK.id > beyond).order_by(TASK.id)),
        lambda: lambda_stmt(lambda: select(Card).where(Card.title == text).order_by(Card.id)),
        lambda: lambda_stmt(lambda: select(func.count()).where(func.lower(PROJECT.name) != text)),
        lambda: lambda_stmt(lambda: select(func.max(_TASKS.c.id))) + (lambda s: s.where(_TASKS.c.id > beyond)),
    )
    return Statement(written, is_ordered=True, has_entities=True)


@READS(1)
def _other_columns_instead(author: Author, scope: Scope) -> Statement:
    inner = scope.over(entity_source(author, scope))
    entity = inner.sources[0].entity
    statement = filtered(author, select(entity), inner)
    if author.happens(0.5):
        counted = statement.with_only_columns(func.count(), maintain_column_froms=author.happens(0.7))
        return Statement(counted, is_ordered=True)
    added = statement.add_columns(expression(author, NUMBER, inner), Bundle("both", entity.id, entity.user_id))
    return Statement(added.order_by(*inner.key()), is_ordered=True, has_entities=True)


@CONDITIONS(1)
def _about_a_relationship(author: Author, scope: Scope) -> Any:
    for source in scope.sources:
        if source.entity is not None and (paths := relationships(source.entity)):
            path = author.choose(paths)
            about = named(author, _target_scope(path, scope))
            found = path.any(about) if path.property.uselist else path.has(about)
            return ~found if author.happens(0.3) else found
    return condition(author, scope.deeper())
