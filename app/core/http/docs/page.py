"""The docs at /schema: the OpenAPI document, and Swagger UI, which loads nothing from another origin.

The page's Content-Security-Policy allows the files of `assets.py`, and its inline script and style by their hashes.
"""

import re
from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus
from string import Template
from typing import Any, Final

from litestar import Request, Response, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.serialization import encode_json

from app.core.auth.middleware import PUBLIC
from app.core.http.docs.assets import PATH, SCRIPT, STYLE
from app.core.http.docs.document import BEARER, document_of
from app.core.http.edge.root_path import root_path_of
from app.core.http.problems import NOT_FOUND, error_response
from app.settings import Settings

AnyRequest = Request[Any, Any, Any]

_TEXT: Final = """\
Every row belongs to the user who created it. A row of another user is a 404, like a row that does not exist.

**Token.** Every request except the health checks needs `Authorization: Bearer <token>`.

**Lists** are arrays, ordered by id unless `sort` names fields. `Link` has the address of the next page;
`Prefer: count=exact` adds the total. A list has a filter for each field and operator: `title=...`, `id__in=1,2`,
`created_at__lt=...`. `fields` chooses the fields of each row.

**Changes.** `PUT` and `PATCH` both change only the fields that are sent. With `If-Match`, they and `DELETE` answer 412
if the row has changed since you read it.

**Errors** have one sentence in `detail`. A 422, and a 409 about fields, lists the fields in `errors`. Every request can
also get a 404 or 405 for an unknown path or method, a 408 for a body that does not arrive in time, and a 421 for
another host name.
"""
_WHERE_FROM: Final = """\
A token that Better Auth issued; a frontend gets it from `authClient.token()`. To try the API, print one on the server:
`uv run app token alice`.
"""
_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="$root$assets/$style">
<style>
body { margin: 0; overflow-wrap: anywhere }
html.dark-mode { background: #1c2022 }
/* All errors have the same body: the example of the 422 is enough. */
.response[data-code^="4"]:not([data-code="422"]) .response-col_description > :not(:first-child),
.response[data-code^="5"] .response-col_description > :not(:first-child),
.response-col_links { display: none }
</style>
</head>
<body>
<div id="docs"></div>
<script src="$root$assets/$script"></script>
<script>
const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', paint)
paint()
SwaggerUIBundle({
  url: '$root/schema/openapi.json',
  dom_id: '#docs',
  persistAuthorization: $keeps_token,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
})
</script>
</body>
</html>
""")


class _Document(JsonRenderPlugin):
    """The document, built at the first request; a server has one root path."""

    def __init__(self) -> None:
        super().__init__()
        self._documents: dict[str, bytes] = {}

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        root = root_path_of(request)
        if root not in self._documents:
            self._documents[root] = encode_json(document_of(request.app, root))
        return self._documents[root]


class _Page(OpenAPIRenderPlugin):
    """The page; its script fetches the document."""

    def __init__(self, title: str, *, keeps_token: bool) -> None:
        super().__init__(path="/swagger")
        self._texts = {"title": title, "keeps_token": str(keeps_token).lower()}

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        root = root_path_of(request)
        return _PAGE.substitute(self._texts, root=root, assets=PATH, style=STYLE, script=SCRIPT).encode()


def make_openapi_config(settings: Settings) -> OpenAPIConfig:
    """Return the configuration of the docs: Swagger UI at /schema, the document at /schema/openapi.json.

    In development the page keeps the token after a reload.
    """
    title = "Litestead"
    bearer = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description=_WHERE_FROM)
    return OpenAPIConfig(
        title=title,
        version="1",
        description=_TEXT,
        use_handler_docstrings=True,
        render_plugins=[_Page(title, keeps_token=not settings.is_production), _Document()],
        components=Components(security_schemes={BEARER: bearer}),
        openapi_router=Router(
            "/schema", route_handlers=[], opt={PUBLIC: True}, include_in_schema=False, after_request=_finish
        ),
    )


def _finish(response: Response[Any]) -> Response[Any]:
    # Litestar answers an unknown path with a page instead of an error in JSON.
    if response.status_code == HTTPStatus.NOT_FOUND:
        return error_response(404, NOT_FOUND)
    if isinstance(response.content, bytes) and response.content.startswith(b"<!DOCTYPE html>"):
        response.headers["Content-Security-Policy"] = _policy_of(response.content)
    return response


def _policy_of(page: bytes) -> str:
    inline = {tag: re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), page, re.DOTALL) for tag in ("script", "style")}
    hashes = {tag: " ".join(map(_hash, texts)) for tag, texts in inline.items()}
    return (
        f"default-src 'none'; script-src 'self' {hashes['script']}; style-src 'self' {hashes['style']};"
        " connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(text: bytes) -> str:
    return f"'sha256-{b64encode(sha256(text).digest()).decode()}'"
