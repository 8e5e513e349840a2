"""A worker: one of several processes that serve on the same sockets."""

import faulthandler
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from typing import Final

from app.core.ops.server.serving_process import ServerOptions, ServingProcess

_KNOWN_SIGNALS: Final = frozenset(signal.Signals)


class Worker:
    """A worker process, seen from the supervisor."""

    def __init__(self, options: ServerOptions, sockets: list[socket.socket]) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        descriptors = [bound.fileno() for bound in sockets]
        arguments = json.dumps({"options": asdict(options), "sockets": descriptors, "parent": theirs.fileno()})
        # A new interpreter inherits no state, unlike a fork.
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-P", "-m", __name__, arguments],
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(sys.path)},  # with -P: never `app` from the working directory
            pass_fds=[*descriptors, theirs.fileno()],
            process_group=0,  # Ctrl-C reaches the parent only, which passes it on
        )
        theirs.close()
        self.pid = self._process.pid
        self.is_ready = False
        self.seconds_silent = 0.0  # since the last heartbeat

    def fileno(self) -> int:
        # For `select`: readable with a heartbeat, or after the exit.
        return self._socket.fileno()

    def receive_heartbeat(self, seconds: float) -> None:
        """Read the heartbeats of the last `seconds`; the first one means that the worker is ready."""
        try:
            received = self._socket.recv(1024)
        except OSError:
            received = b""
        self.is_ready = self.is_ready or bool(received)
        self.seconds_silent = 0.0 if received else self.seconds_silent + seconds

    def send_signal(self, number: int) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; return whether the process has exited."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def has_exited(self) -> bool:
        return self._process.poll() is not None

    @property
    def exit_description(self) -> str:
        code = self._process.returncode
        if code >= 0:
            return f"exit code {code}"
        return signal.Signals(-code).name if -code in _KNOWN_SIGNALS else f"signal {-code}"

    def close(self) -> None:
        self._socket.close()


def main() -> None:
    """Serve on the sockets that the supervisor has passed."""
    faulthandler.enable()  # SIGABRT, sent if the watchdog is blocked too, prints the stack
    given = json.loads(sys.argv[1])
    sockets = [socket.socket(fileno=descriptor) for descriptor in given["sockets"]]
    for inherited in (*given["sockets"], given["parent"]):
        os.set_inheritable(inherited, False)
    process = ServingProcess(ServerOptions(**given["options"]), socket.socket(fileno=given["parent"]))
    process.run(sockets)


if __name__ == "__main__":
    main()
