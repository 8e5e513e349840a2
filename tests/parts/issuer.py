"""An issuer of tokens that publishes its keys over HTTP, counts who fetches them, and can be told to misbehave."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.parts.signing import segment

ORIGIN: Final = "http://localhost:3000"
ALGORITHMS: Final = ("EdDSA", "ES256", "ES512", "RS256", "PS256")


@dataclass(frozen=True)
class Pair:
    """A pair of keys: one to sign with, and the other as it is published."""

    kid: str
    algorithm: str
    private: Any

    @property
    def public(self) -> dict[str, Any]:
        """The public half, formed as Better Auth publishes it."""
        return {**self._as_jwk(self.private.public_key()), "kid": self.kid, "alg": self.algorithm}

    @property
    def secret(self) -> dict[str, Any]:
        """Both halves, as nobody should publish them."""
        return {**self._as_jwk(self.private), "kid": self.kid, "alg": self.algorithm}

    def sign(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token as a stock Better Auth signs it, with some claims changed; None takes one away."""
        now = int(time.time())
        given = {"sub": "alice", "iat": now, "exp": now + 900, "iss": ORIGIN, "aud": ORIGIN, "email": "a@b.example"}
        claims = {name: value for name, value in (given | changes).items() if value is not None}
        return self.sign_text(
            json.dumps({"alg": self.algorithm, "kid": self.kid, **(header or {})}), json.dumps(claims)
        )

    def sign_text(self, header: str, payload: str) -> str:
        """Return a token of whatever is given, well signed."""
        signed = f"{segment(header)}.{segment(payload)}"
        signature = jwt.get_algorithm_by_name(self.algorithm).sign(signed.encode(), self.private)
        return f"{signed}.{segment(signature)}"

    def _as_jwk(self, key: Any) -> dict[str, Any]:
        kinds: dict[str, Any] = {"Ed": OKPAlgorithm, "ES": ECAlgorithm, "RS": RSAAlgorithm, "PS": RSAAlgorithm}
        found = kinds[self.algorithm[:2]].to_jwk(key, as_dict=True)
        return {name: value for name, value in found.items() if name != "key_ops"}


def pair(algorithm: str = "EdDSA", kid: str = "first", bits: int = 2048) -> Pair:
    """Return a pair; the same one for the same words, because RSA takes its time."""
    return _made(algorithm, kid, bits)


@cache
def _made(algorithm: str, kid: str, bits: int) -> Pair:
    made: Any
    match algorithm:
        case "EdDSA":
            made = ed25519.Ed25519PrivateKey.generate()
        case "ES256":
            made = ec.generate_private_key(ec.SECP256R1())
        case "ES512":
            made = ec.generate_private_key(ec.SECP521R1())
        case _:
            made = rsa.generate_private_key(65537, bits)
    return Pair(kid, algorithm, made)


def key_set(*keys: Any) -> bytes:
    """Return what an issuer answers that has these keys: pairs, or whatever else."""
    return json.dumps({"keys": [key.public if isinstance(key, Pair) else key for key in keys]}).encode()


class Issuer:
    """What it answers with, and how often it was asked."""

    def __init__(self, url: str) -> None:
        self.origin = url
        self.url = f"{url}/api/auth/jwks"
        self.fetches = 0
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = key_set(pair())
        self.free = threading.Event()
        self.free.set()

    def sign(self, pair: Pair, **changes: Any) -> str:
        """Return a token that is signed by this one, for itself."""
        return pair.sign(**{"iss": self.origin, "aud": self.origin, **changes})

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Let it answer nobody until this is over."""
        self.free.clear()
        try:
            yield
        finally:
            self.free.set()


@contextmanager
def serving_issuer() -> Iterator[Issuer]:
    """Serve one on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the server's name for it
            issuer.fetches += 1
            issuer.free.wait(20)
            self.send_response(issuer.status)
            for name, value in ({"Content-Length": str(len(issuer.body))} | issuer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(issuer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the client has gone
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield issuer
        finally:
            issuer.free.set()
            server.shutdown()
            thread.join()
