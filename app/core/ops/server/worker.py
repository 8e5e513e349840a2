"""A worker: one of several processes that serve on the same sockets, as the supervisor starts it.

It is a program of its own, `python -m app.core.ops.server.worker`, so that it begins without anything of the parent's.
"""

import faulthandler
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from typing import Final

from app.core.ops.server.process import ServerOptions, ServingProcess

_KNOWN_SIGNALS: Final = frozenset(signal.Signals)


class Worker:
    """The process as its parent sees it."""

    def __init__(self, options: ServerOptions, sockets: list[socket.socket]) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        descriptors = [bound.fileno() for bound in sockets]
        arguments = json.dumps({"options": asdict(options), "sockets": descriptors, "parent": theirs.fileno()})
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-P", "-m", __name__, arguments],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},  # with -P: no `app` of the working directory
            pass_fds=[*descriptors, theirs.fileno()],
            process_group=0,  # a Ctrl-C in the terminal is for the parent, which passes it on
        )
        theirs.close()
        self.pid = self._process.pid
        self.is_ready = False
        self.seconds_silent = 0.0  # seconds in which nothing was heard of it

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when it says something, or ends."""
        return self._socket.fileno()

    def receive_heartbeat(self, seconds: float) -> None:
        """Take what its watchdog has said in so many seconds: once a second that it lives."""
        try:
            said = self._socket.recv(1024)
        except OSError:
            said = b""
        self.is_ready = self.is_ready or bool(said)
        self.seconds_silent = 0.0 if said else self.seconds_silent + seconds

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, and tell whether it came."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def has_exited(self) -> bool:
        """True when it is no more."""
        return self._process.poll() is not None

    @property
    def exit_description(self) -> str:
        """How it ended: a signal, or an exit code."""
        code = self._process.returncode
        if code >= 0:
            return f"exit code {code}"
        return signal.Signals(-code).name if -code in _KNOWN_SIGNALS else f"signal {-code}"

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


def main() -> None:
    """Serve on the sockets that the parent has passed on."""
    faulthandler.enable()  # the parent sends SIGABRT where not even the watchdog gets through
    given = json.loads(sys.argv[1])
    sockets = [socket.socket(fileno=descriptor) for descriptor in given["sockets"]]
    for inherited in (*given["sockets"], given["parent"]):
        os.set_inheritable(inherited, False)
    process = ServingProcess(ServerOptions(**given["options"]), socket.socket(fileno=given["parent"]))
    process.run(sockets)


if __name__ == "__main__":
    main()
