"""The script and style of the docs page, from the package `offapi`."""

from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from typing import Annotated, Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, HeaderParameter

from app.core.auth.middleware import PUBLIC

SCRIPT: Final = "swagger_bundle.js"
STYLE: Final = "swagger_style.css"
# The version is in the path, so a file under one path never changes.
PATH: Final = f"/schema/assets/{version('offapi')}"
# Without an import, which would read megabytes.
_PACKAGE: Final = Path(str(find_spec("offapi").origin)).parent  # type: ignore[union-attr]  # it is a dependency
_FILES: Final = {f"{PATH}/{name}": _PACKAGE / name for name in (SCRIPT, STYLE)}


@get("/schema/assets/{release:str}/{name:str}", opt={PUBLIC: True}, include_in_schema=False, sync_to_thread=True)
def docs_asset(
    release: FromPath[str],
    name: FromPath[str],
    accepted: Annotated[str, HeaderParameter(name="Accept-Encoding")] = "",
    known: Annotated[str, HeaderParameter(name="If-None-Match")] = "",
) -> Response[bytes]:
    """Return a file, as gzip if the client accepts it, or a 304 if the client has it."""
    path = _FILES.get(f"/schema/assets/{release}/{name}")
    if path is None:
        raise NotFoundException
    is_gzip = _takes_gzip(accepted)
    tag = f'"{_digest(path)}{"-gzip" * is_gzip}"'
    headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": "public, max-age=31536000, immutable"}
    if known.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in known.split(",")}:
        return Response(b"", status_code=304, headers=headers)
    content = _compressed(path) if is_gzip else path.read_bytes()
    encoding = {"Content-Encoding": "gzip"} if is_gzip else {}
    return Response(content, media_type=guess_type(name)[0], headers=headers | encoding)


def _takes_gzip(accepted: str) -> bool:
    """Read Accept-Encoding (RFC 9110, section 12.5.3); a weight of zero refuses."""
    for part in accepted.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


@cache
def _compressed(path: Path) -> bytes:
    return compress(path.read_bytes(), mtime=0)


@cache
def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]
