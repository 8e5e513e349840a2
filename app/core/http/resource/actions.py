"""Actions: `complete = action("Mark it as done.", {"completed": True})` in a controller is `POST /{id}/complete`.

An action changes one row in one statement, always in the same way. For a change with a body, write a handler that calls
`repository.update_one()`.
"""

from collections.abc import Mapping
from typing import Any, Final

from litestar import MediaType, Response
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import AsyncAnyCallable, Scope
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.core.data.errors import InvalidDeclaration
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.sql.changes import Changes, DeclaredChanges, changes_of
from app.core.data.tables.owned import Owned
from app.core.http.resource.etags import ETAG, Expected
from app.core.http.resource.handler import Operation
from app.core.http.resource.integers import PathId
from app.core.http.resource.row_request import RowRequest

CHANGED: Final = "The {noun} after the change."
ONE_ROW: Final[dict[str, Any]] = {"response_headers": [ETAG], "media_type": MediaType.JSON}

_NO_BODY: Final = PydanticCustomError("unexpected_body", "Send no body, because this operation takes none")


class Action(Operation):
    """The handler of an action, whose name and path are those of its attribute."""

    def __init__(self, description: str, changes: DeclaredChanges, summary: str | None) -> None:
        super().__init__(
            http_method="POST",
            status_code=200,
            summary=summary,
            description=description,
            response_description=CHANGED,
            **ONE_ROW,
        )
        # A function, because Litestar makes a deep copy of a handler, and a statement has a table.
        self.declared = changes if callable(changes) else lambda _: changes

    def __set_name__(self, _: type, name: str) -> None:
        words = name.replace("_", " ").capitalize()
        self.summary = self.summary or f"{words} {{a_noun}}"
        self.paths = {f"/{{id:int}}/{name.replace('_', '-')}"}
        self(_function_named(name))


def action(description: str, changes: DeclaredChanges, *, summary: str | None = None) -> Action:
    """Declare an action of a controller: `POST /{id}/<name>` changes the row and returns it.

    `changes` has the new value of each field: a fixed one, or an SQL expression that the database computes from the
    row, such as `{"views": Page.views + 1}`. In a mixin, write `lambda page: {"views": page.views + 1}`. The rules of a
    field are checked for a fixed value only. The default of `summary` is "<Name> {a_noun}".

    The class of the controller raises InvalidDeclaration for changes that break a rule of the table.
    """
    return Action(description, changes, summary)


def actions_of(controller: Any, model: type[Owned]) -> Mapping[str, Changes]:
    """Return the changes of the actions that a controller class offers, by name.

    Raises:
        InvalidDeclaration: an action breaks a rule of the table, or hides an attribute of a base class.
    """
    found = {name: getattr(controller, name, None) for name in sorted(controller.operations)}
    actions = {name: each for name, each in found.items() if isinstance(each, Action)}
    for name in actions:
        for base in controller.__mro__:
            if name in vars(base) and not isinstance(vars(base)[name], Action):
                raise InvalidDeclaration(
                    f"{controller.__name__}.{name} hides {base.__name__}.{name}; rename the action."
                )
    return {name: changes_of(model, each.declared, f"{controller.__name__}.{name}") for name, each in actions.items()}


def _function_named(name: str) -> AsyncAnyCallable:
    async def change(
        self: Any,
        *,
        repository: NamedDependency[SkipValidation[Repository[Any]]],
        id: PathId,
        expected: Expected,
        changed: NamedDependency[SkipValidation[RowRequest]],
        scope: Scope,
    ) -> Response[Row]:
        _refuse_body(scope)
        return await changed.answer_write(repository, await repository.apply(id, self.actions[name], expected))

    change.__name__ = name
    return change


def _refuse_body(scope: Scope) -> None:
    # As an unknown field of a body is refused: a client that sends a value must not believe that it was stored. A
    # request with a body has one of these headers (RFC 9112, 6.3), so the body is not read.
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            raise ValidationError.from_exception_data("body", [InitErrorDetails(type=_NO_BODY, input=None)])
