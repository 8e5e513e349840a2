"""The dependencies that the handlers of a resource can use."""

from collections.abc import Callable
from typing import Any

from litestar.di import Provide
from litestar.types import Scope

from app.core.data.ownership.guard import session_of
from app.core.data.repository.figures import FiguresReader
from app.core.data.repository.repository import Repository
from app.core.http.resource.etags import provide_expected
from app.core.http.resource.list_declaration import ListDeclaration
from app.core.http.resource.pages import page_request_provider
from app.core.http.resource.parameters import ParametersProvider
from app.core.http.resource.row_request import row_request_provider
from app.core.http.resource.stats import figures_request_provider


def dependencies_of(
    repository: type[Repository[Any]], lists: ListDeclaration, figures: FiguresReader | None
) -> dict[str, Provide]:
    """Return the dependencies by name: the repository, what a request asks for, and the expected versions."""
    own = {"figures_request": figures_request_provider(lists, figures)} if figures else {}
    return {
        **own,
        "repository": Provide(_repository_provider(repository), sync_to_thread=False),
        "page_request": ParametersProvider(page_request_provider(lists), lambda: lists.parameters),
        "row_request": row_request_provider(lambda: lists.row_parameters),
        "created": row_request_provider(lambda: lists.relations.of_writes),
        "changed": row_request_provider(lambda: lists.relations.of_writes, after_expected=True),
        "expected": Provide(provide_expected, sync_to_thread=False),
    }


def _repository_provider(repository: type[Repository[Any]]) -> Callable[..., Repository[Any]]:
    def provide(scope: Scope) -> Repository[Any]:
        return repository(session=session_of(scope))

    return provide
