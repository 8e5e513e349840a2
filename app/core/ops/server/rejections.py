"""Rejections: error responses that the server sends without calling the application, in its JSON error format."""

from http import HTTPStatus
from typing import Final

import msgspec

from app.core.http.edge.security_headers import security_headers
from app.core.http.problems import Problem

_RETRY_AFTER: Final = (b"retry-after", b"1")  # seconds


class RequestRejected(Exception):
    """A refusal to serve a request or a connection: the client gets this response, and the connection closes."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def response(self) -> bytes:
        body = msgspec.json.encode(Problem(self.detail))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers += [(b"connection", b"close"), *security_headers(https_only=False)]
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(_RETRY_AFTER)
        lines = [b"HTTP/1.1 %d %s" % (self.status, self.status.phrase.encode())]
        return b"\r\n".join([*lines, *(b"%s: %s" % pair for pair in headers), b"", body])


def malformed(what: str) -> RequestRejected:
    """400: the request is not valid HTTP."""
    return RequestRejected(HTTPStatus.BAD_REQUEST, f"This is not a valid HTTP request: {what}")


def unknown_method() -> RequestRejected:
    """501: no resource of this service has the method (RFC 9110, 9.1)."""
    return RequestRejected(HTTPStatus.NOT_IMPLEMENTED, "This service does not support the method")


def target_too_long(limit: int) -> RequestRejected:
    """414: the path and the query are longer than a number of bytes."""
    return RequestRejected(HTTPStatus.REQUEST_URI_TOO_LONG, f"The URL is longer than {limit} bytes")


def headers_too_large() -> RequestRejected:
    """431: too many headers or trailers, or too long ones (RFC 6585, 5)."""
    return RequestRejected(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request has too many headers, or too long ones"
    )


def too_many_connections() -> RequestRejected:
    """503: the process has its maximum number of connections."""
    return RequestRejected(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections; try again in a moment")
