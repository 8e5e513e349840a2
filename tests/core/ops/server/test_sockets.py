"""Sockets: an address that is taken is said so; a file that a killed server has left behind is not taken."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.core.ops.server.sockets import BindError, bind, bind_unix, listening, url_of

pytestmark = pytest.mark.any_database


def test_a_port_is_bound_and_named() -> None:
    with bind("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        assert url_of(bound, "127.0.0.1") == f"http://127.0.0.1:{port}"
        with pytest.raises(ConnectionRefusedError):  # it is bound, and does not listen yet
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("host", "shown"), [("::1", "[::1]"), ("::", "[::]"), ("fe80::1%eth0", "[fe80::1%eth0]"), ("api.test", "api.test")]
)
def test_an_address_is_named_as_urls_have_it(host: str, shown: str) -> None:
    with bind("::1", 0) as bound:
        assert url_of(bound, host) == f"http://{shown}:{bound.getsockname()[1]}"


def test_a_port_on_which_somebody_listens_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(BindError, match="Address already in use"):
        bind("127.0.0.1", other.getsockname()[1])


def test_a_host_that_is_not_ours_is_no_place_to_listen() -> None:
    with pytest.raises(BindError, match=r"cannot listen on host\.invalid:80: .*; choose another --host or --port"):
        bind("host.invalid", 80)


@pytest.mark.parametrize("host", ["a..b", f"{'x' * 64}.example", "127.0.0.1 "])
def test_a_host_that_is_no_name_is_no_place_to_listen(host: str) -> None:
    with pytest.raises(BindError, match=r"cannot listen on .*; choose another --host or --port"):
        bind(host, 80)


def test_a_path_that_is_too_long_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BindError, match="AF_UNIX path too long; choose another --uds"):
        bind_unix(tmp_path / ("x" * 108))


def test_a_socket_file_of_a_server_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))

    with listening(bind_unix(path)) as bound:
        assert url_of(bound, "") == f"unix:{path}"
        assert path.stat().st_mode & 0o777 == 0o666
    assert not path.exists()


def test_a_socket_file_is_removed_whatever_happens(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with pytest.raises(SystemExit), listening(bind_unix(path)):
        raise SystemExit(3)

    assert not path.exists()


def test_a_server_that_ends_leaves_the_file_of_its_successor_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with ExitStack() as stack:
        with listening(bind_unix(path)) as ending:
            ending.shutdown(socket.SHUT_RDWR)
            stack.enter_context(listening(bind_unix(path)))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert not path.exists()


def test_a_path_is_taken_while_its_server_starts(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with listening(bind_unix(path)), pytest.raises(BindError, match="Address already in use"):
        bind_unix(path)


def test_a_socket_file_on_which_somebody_listens_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(BindError, match="Address already in use; choose another --uds"):
            bind_unix(path)
    assert path.exists()


def test_a_file_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    path.write_text("precious")
    with pytest.raises(BindError, match="Address already in use"):
        bind_unix(path)

    assert path.read_text() == "precious"
