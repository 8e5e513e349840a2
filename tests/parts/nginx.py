"""nginx as a process, in front of several instances: for tests behind a proxy."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.parts.serving import free_port

NGINX: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_nginx: Final = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@contextmanager
def in_front_of(ports: Sequence[int], folder: Path, location: str = "/") -> Iterator[str]:
    """Serve what these instances serve, below a path, while the block runs; give the URL."""
    port = free_port()
    (folder / "nginx.conf").write_text(_configuration(port, ports, location))
    command = [str(NGINX), "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    process = subprocess.Popen(command, cwd=folder)
    try:
        _wait_until_listening(port)
        yield f"http://127.0.0.1:{port}{location.rstrip('/')}"
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _configuration(port: int, ports: Sequence[int], location: str) -> str:
    servers = " ".join(f"server 127.0.0.1:{each} max_fails=0;" for each in ports)
    return f"""
daemon off;
pid nginx.pid;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    upstream app {{ {servers} keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        location {location} {{
            proxy_pass http://app/;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


def _wait_until_listening(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx does not listen")
