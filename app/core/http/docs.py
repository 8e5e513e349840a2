"""The docs at /schema: the OpenAPI document, made to say what really happens, and a page that needs no other origin.

Scripts and styles are those of the `offapi` package, served by this app. The page's policy lets these run, and what
stands in the page itself by its hash.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from http import HTTPStatus
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    Schema,
    SecurityScheme,
)
from litestar.params import FromPath
from litestar.response import File

from app.core.auth.middleware import PUBLIC
from app.core.http.errors import error_response

_PATH: Final = "/schema"
_ASSETS: Final = f"{_PATH}/assets"
_BEARER: Final = "bearerAuth"
# Found without importing it: that would read all of its five megabytes.
_PACKAGE: Final = Path(str(find_spec("offapi").origin)).parent  # type: ignore[union-attr]  # it is a dependency
_FILES: Final = {name: _PACKAGE / name for name in ("swagger_bundle.js", "swagger_preset.js", "swagger_style.css")}
_KEPT: Final = {"Cache-Control": "max-age=3600"}  # they are the same for everybody, and large
_INLINE: Final = {
    tag: re.compile(rf"<{tag}(?: type='[a-z/]+')?>(.*?)</{tag}>".encode(), re.DOTALL) for tag in ("script", "style")
}

# What each error status means, and the sentence that a client reads with it.
_ERRORS: Final = {
    "401": ("No valid token.", "Invalid or expired token"),
    "404": ("There is no such row, or it is somebody else's.", "Not Found"),
    "412": (
        "The row is not in the state that `If-Match` names.",
        "It was changed meanwhile; read it again before you change it",
    ),
    "413": ("The body is too large.", "Request Entity Too Large"),
    "415": ("The body is not sent as JSON.", "Send the body as JSON, with Content-Type: application/json"),
    "422": ("The input is invalid; `errors` says where.", None),
    "429": ("Too many requests; try again after `Retry-After` seconds.", "Too many requests; try again in 12 s"),
    "500": ("Something failed that should not have; it is logged.", "Internal server error"),
    "503": ("The database is not available; try again after `Retry-After` seconds.", "The database is not available"),
}


def make_openapi_config() -> OpenAPIConfig:
    """Return the configuration of the docs: Swagger UI at /schema, the document at /schema/openapi.json."""
    return OpenAPIConfig(
        title="Litestead",
        version="1",
        description="Every row belongs to the user who created it. Send `Authorization: Bearer <token>`.",
        use_handler_docstrings=True,
        render_plugins=[
            SwaggerRenderPlugin(
                js_url=f"{_ASSETS}/swagger_bundle.js",
                css_url=f"{_ASSETS}/swagger_style.css",
                standalone_preset_js_url=f"{_ASSETS}/swagger_preset.js",
                favicon='<link rel="icon" href="data:,">',
            )
        ],
        components=Components(
            security_schemes={_BEARER: SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        openapi_router=Router(
            _PATH, route_handlers=[], opt={PUBLIC: True}, include_in_schema=False, after_request=_finish
        ),
    )


def _finish(response: Response[Any]) -> Response[Any]:
    """Give a page its policy; where Litestar has one for what is not there, this app has one form for every error."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        return error_response(404, "Not Found")
    if isinstance(response.content, bytes) and response.content.startswith(b"<!DOCTYPE html>"):
        response.headers["Content-Security-Policy"] = _policy_of(response.content)
    return response


def _policy_of(page: bytes) -> str:
    """Return a policy under which the page's own scripts and styles run, and no others."""
    hashes = {tag: " ".join(map(_hash, _INLINE[tag].findall(page))) for tag in _INLINE}
    return (
        f"default-src 'none'; script-src 'self' {hashes['script']}; style-src 'self' {hashes['style']};"
        " connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(text: bytes) -> str:
    return f"'sha256-{b64encode(sha256(text).digest()).decode()}'"


@get(f"{_ASSETS}/{{name:str}}", opt={PUBLIC: True}, include_in_schema=False)
async def docs_asset(name: FromPath[str]) -> File:
    """Return one of the page's files, out of the installed package."""
    if name not in _FILES:
        raise NotFoundException
    kind = guess_type(name)[0]
    return File(_FILES[name], media_type=kind, filename=name, content_disposition_type="inline", headers=_KEPT)


def describe_errors(app: Litestar) -> None:
    """Give every operation the statuses that it can answer, with the one Error; run when the app starts.

    Litestar documents a 400 with a body of its own instead, which no client of this app will ever see.
    """
    for operation, is_public in _operations(app):
        responses = operation.responses = dict(operation.responses or {})
        responses.pop("400", None)
        responses |= {status: _response(status) for status in _statuses(operation, is_public)}
        if not is_public:
            operation.security = [{_BEARER: []}]


def _operations(app: Litestar) -> Iterator[tuple[Operation, bool]]:
    public = {
        handler.operation_id
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if handler.opt.get(PUBLIC)
    }
    for item in (app.openapi_schema.paths or {}).values():
        for method in ("get", "post", "put", "patch", "delete"):
            operation: Operation | None = getattr(item, method)
            if operation is not None:
                yield operation, operation.operation_id in public


def _statuses(operation: Operation, is_public: bool) -> list[str]:
    if is_public:
        return ["429", "500", *({"503"} & (operation.responses or {}).keys())]
    parameters = [p for p in operation.parameters or () if isinstance(p, Parameter)]
    has_body = operation.request_body is not None
    asked = {
        "404": any(p.param_in == "path" for p in parameters),
        "412": any(p.name == "If-Match" for p in parameters),
        "413": has_body,
        "415": has_body,
    }
    # 422 always: every private operation refuses a query parameter that it does not have.
    return ["401", *(status for status, answers in asked.items() if answers), "422", "429", "500", "503"]


def _response(status: str) -> OpenAPIResponse:
    description, detail = _ERRORS[status]
    header = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}.get(status)
    return OpenAPIResponse(
        description=description,
        headers={header: OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING))} if header else None,
        content={
            "application/json": OpenAPIMediaType(
                schema=Reference("#/components/schemas/Error"), example={"detail": detail} if detail else None
            )
        },
    )
