"""TLS in front of a PostgreSQL that speaks none: as Neon and every other hosted one does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import make_url

from app.testing.counting import open_connection_to

_WANTS_TLS: Final = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # PostgreSQL's SSLRequest


@asynccontextmanager
async def encrypted(database_url: str, folder: Path) -> AsyncIterator[str]:
    """Serve a database by TLS while the block runs, and give its URL there."""
    upstream, context = make_url(database_url), _context(folder)

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(len(_WANTS_TLS)) == _WANTS_TLS
        writer.write(b"S")
        await writer.start_tls(context)
        server_reader, server_writer = await open_connection_to(upstream)
        await asyncio.gather(_forward(reader, server_writer), _forward(server_reader, writer))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    there = upstream.difference_update_query(["host"]).update_query_dict({"sslmode": "require"})
    there = there.set(drivername="postgresql", host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    yield there.render_as_string(hide_password=False)
    server.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


def _context(folder: Path) -> ssl.SSLContext:
    """A server's context, with a certificate that it has signed itself."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    path = folder / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
