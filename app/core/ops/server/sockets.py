"""Listening sockets. They are bound before all other work, so an address in use is reported in one sentence."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

_BACKLOG: Final = 2048  # connections that wait to be accepted


class BindError(Exception):
    """The server cannot listen on the address; the message has the address and the reason."""


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket. It refuses connections until it listens. Raises BindError."""
    with _bind_errors(_authority(host, port), "--host or --port"), ExitStack() as stack:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = stack.enter_context(socket.socket(family, kind, protocol))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        stack.pop_all()
    return bound


def bind_unix(path: Path) -> socket.socket:
    """Return a socket that listens at a path, open to all users of this machine. Raises BindError."""
    with _bind_errors(str(path), "--uds"), ExitStack() as stack:
        bound = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        # A stale file is left if its server was killed.
        if path.is_socket() and not _has_listener(path):
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o666)
        bound.listen(_BACKLOG)  # at once, so that another starting server does not find the file stale
        stack.pop_all()
    return bound


@contextmanager
def listening(bound: socket.socket) -> Iterator[socket.socket]:
    """Close the socket at the end, and remove its file unless another server has replaced it."""
    path = Path(bound.getsockname()) if bound.family == socket.AF_UNIX else None
    file = path and _inode_of(path)
    try:
        with bound:
            yield bound
    finally:
        if path is not None and _inode_of(path) == file:
            path.unlink(missing_ok=True)


def url_of(bound: socket.socket, host: str) -> str:
    """Return the URL of the socket, with the host as given."""
    if bound.family == socket.AF_UNIX:
        return f"unix:{bound.getsockname()}"
    return f"http://{_authority(host, bound.getsockname()[1])}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _bind_errors(address: str, option: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError) as error:  # UnicodeError: an invalid host name
        reason = error.strerror or error if isinstance(error, OSError) else "it is not a host name"
        raise BindError(f"cannot listen on {address}: {reason}; choose another {option}") from None


def _inode_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _has_listener(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
