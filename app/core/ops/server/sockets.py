"""Sockets: where the server listens, bound before anything else so that an address that is taken is one sentence."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


class AddressTaken(Exception):
    """The server cannot listen there; the message says where, and why."""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address; it does not listen yet, so a client is refused until it does.

    Raises:
        AddressTaken: the address is in use, is not one of this machine, or needs more rights.
    """
    with _explained(_authority(host, port), "--port"), ExitStack() as stack:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = stack.enter_context(socket.socket(family, kind, protocol))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        stack.pop_all()
    return bound


def bind_unix(path: Path) -> socket.socket:
    """Return a socket that is bound to a path, which every user of this machine may connect to.

    A socket file that nobody listens on, because its server was killed, is replaced.

    Raises:
        AddressTaken: another server listens there, or the file cannot be made.
    """
    with _explained(str(path), "--uds"), ExitStack() as stack:
        bound = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        if path.is_socket() and not _is_listened_on(path):
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o666)
        stack.pop_all()
    return bound


@contextmanager
def listening(bound: socket.socket) -> Iterator[socket.socket]:
    """Close the socket at the end, and remove its file, where it has one."""
    path = Path(bound.getsockname()) if bound.family == socket.AF_UNIX else None
    with bound:
        yield bound
    if path is not None:
        path.unlink(missing_ok=True)


def url_of(bound: socket.socket, host: str) -> str:
    """Return the address as a client writes it."""
    if bound.family == socket.AF_UNIX:
        return f"unix:{bound.getsockname()}"
    return f"http://{_authority(host, bound.getsockname()[1])}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _explained(address: str, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AddressTaken(f"cannot listen on {address}: {error.strerror}; choose another {option}") from None


def _is_listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
