"""Refusals: the answers to requests that the application never hears of, in the one form of errors."""

from http import HTTPStatus
from typing import Final

import msgspec

from app.core.http.edge.security_headers import security_headers
from app.core.http.problems import Problem

_RETRY_AFTER: Final = (b"retry-after", b"1")  # seconds


class RequestRejected(Exception):
    """A request or a connection that is not served; the connection ends with the answer to it."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def response(self) -> bytes:
        """Return the answer as it goes over the wire."""
        body = msgspec.json.encode(Problem(self.detail))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers += [(b"connection", b"close"), *security_headers(https_only=False)]
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(_RETRY_AFTER)
        lines = [b"HTTP/1.1 %d %s" % (self.status, self.status.phrase.encode())]
        return b"\r\n".join([*lines, *(b"%s: %s" % pair for pair in headers), b"", body])


def malformed(what: str) -> RequestRejected:
    """Return the rejection of a request that is no valid HTTP."""
    return RequestRejected(HTTPStatus.BAD_REQUEST, f"This is no valid HTTP request: {what}")


def unknown_method() -> RequestRejected:
    """Return the rejection of a method that this service has for no resource (RFC 9110, 9.1)."""
    return RequestRejected(HTTPStatus.NOT_IMPLEMENTED, "This service has no such method")


def headers_too_large() -> RequestRejected:
    """Return the rejection of headers or trailers that are too many or too long (RFC 6585, 5)."""
    return RequestRejected(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request has too many headers, or too long ones"
    )


def too_many_connections() -> RequestRejected:
    """Return the rejection of a connection."""
    return RequestRejected(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections; try again in a moment")
