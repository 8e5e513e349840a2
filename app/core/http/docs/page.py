"""The docs at /schema: the OpenAPI document, and a page about it that needs no other origin.

The page's policy lets the files of `assets.py` run, and what stands in the page itself by its hash.
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
from app.core.http.problems import error_response
from app.settings import Settings

AnyRequest = Request[Any, Any, Any]

_TEXT: Final = """\
Every row belongs to the user who created it; of the rows of others nobody learns anything.

**Token.** Each request but those about health carries `Authorization: Bearer <token>`.

**Lists** are arrays in the order of ids. Follow `Link` to the next page; `Prefer: count=exact` asks for the total.

**Changes.** `PUT` and `PATCH` change the fields that are sent, and no other. With `If-Match` they and `DELETE` act on
the state of the row that you have read, or answer 412.

**Errors** are one sentence in `detail`. A 422, and a 409 about fields, names the fields in `errors`. Besides the errors
of each operation there are a 404 and a 405 for what is not offered, a 408 for a body that does not arrive, and a 421
for another host name.
"""
_WHERE_FROM: Final = """\
A token that Better Auth issued: in a frontend, what `authClient.token()` returns. To try something out, let the machine
that serves print one: `uv run app token alice`.
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
/* An error is its sentence; its body is the same for all, so one example is enough. */
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
    """The document, written when it is first asked for below a root path, of which a server has one."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[str, bytes] = {}

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        root = root_path_of(request)
        if root not in self._written:
            servers = [{"url": root or "/"}]
            self._written[root] = encode_json(document_of(request.app) | {"servers": servers})
        return self._written[root]


class _Page(OpenAPIRenderPlugin):
    """The page, which fetches the document by itself."""

    def __init__(self, title: str, *, keeps_token: bool) -> None:
        super().__init__(path="/swagger")
        self._texts = {"title": title, "keeps_token": str(keeps_token).lower()}

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        root = root_path_of(request)
        return _PAGE.substitute(self._texts, root=root, assets=PATH, style=STYLE, script=SCRIPT).encode()


def make_openapi_config(settings: Settings) -> OpenAPIConfig:
    """Return the configuration of the docs: Swagger UI at /schema, the document at /schema/openapi.json.

    In development the page keeps a token that it was given, beyond a reload; elsewhere it forgets it.
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
    """Give a page its policy; where Litestar has one for what is not there, this app has one form for every error."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        return error_response(404, "Not Found")
    if isinstance(response.content, bytes) and response.content.startswith(b"<!DOCTYPE html>"):
        response.headers["Content-Security-Policy"] = _policy_of(response.content)
    return response


def _policy_of(page: bytes) -> str:
    """Return a policy under which the page's own scripts and styles run, and no others."""
    inline = {tag: re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), page, re.DOTALL) for tag in ("script", "style")}
    hashes = {tag: " ".join(map(_hash, texts)) for tag, texts in inline.items()}
    return (
        f"default-src 'none'; script-src 'self' {hashes['script']}; style-src 'self' {hashes['style']};"
        " connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(text: bytes) -> str:
    return f"'sha256-{b64encode(sha256(text).digest()).decode()}'"
