"""The attacks, over HTTP: each is exactly the one 401, and a good token works before, between and after them."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from app.core.auth.tokens import issue_token
from app.testing.clients import Client, assert_error
from app.testing.databases import SECRET
from tests.core.auth.attacks import forgeries, misuses
from tests.core.auth.conftest import serving
from tests.parts.issuer import ALGORITHMS, Issuer, Pair, key_set, pair
from tests.parts.signing import claims as hs256_claims
from tests.parts.signing import sign


def attacks_on(signer: Pair, origin: str) -> Iterator[tuple[str, str]]:
    """Everything that is tried on an application that has the public half of this pair."""
    claims = json.dumps(misuses.claims_with(origin))
    good = signer.sign(iss=origin, aud=origin)
    yield from forgeries.unsigned(claims, signer.kid)
    yield from forgeries.signatures(good, signer.algorithm)
    yield from forgeries.algorithms(claims, signer)
    yield from forgeries.confusions(claims, signer)
    yield from forgeries.headers(claims, signer.algorithm, signer.kid)
    if signer.algorithm.startswith("ES"):
        yield from forgeries.elliptic(good, {"ES256": 32, "ES512": 66}[signer.algorithm])
    if signer.algorithm == "EdDSA":  # what follows is the same for every algorithm
        yield from forgeries.odd_headers(claims, signer)
        yield from misuses.times(signer, origin)
        yield from misuses.subjects(signer, origin)
        yield from misuses.origins(signer, origin)


async def assert_all_refused(client: Client, good: str, attacks: list[tuple[str, str]]) -> None:
    for number, (name, header) in enumerate(attacks):
        if number % 100 == 0:
            await assert_let_in(client, good)
        response = await client.get("/whoami", headers=[(b"authorization", header.encode("utf-8", "surrogatepass"))])
        assert response.status_code == 401, name
        assert assert_error(response, 401) == {"detail": "Invalid or expired token"}, name
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"', name
        assert response.headers["cache-control"] == "no-store", name
    await assert_let_in(client, good)


async def assert_let_in(client: Client, good: str) -> None:
    response = await client.get("/whoami", headers={"Authorization": f"Bearer {good}"})
    assert (response.status_code, response.text) == (200, "alice")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_an_application_with_public_keys_stands_all_attacks(issuer: Issuer, algorithm: str) -> None:
    signer = pair(algorithm)
    issuer.body = key_set(signer)
    good = issuer.sign(signer)
    attacks = [(name, f"Bearer {token}") for name, token in attacks_on(signer, issuer.origin)]
    attacks += misuses.envelopes(good) if algorithm == "EdDSA" else []
    assert len(attacks) > 150

    async with serving(better_auth_url=issuer.origin) as client:
        await assert_all_refused(client, good, attacks)

    assert issuer.fetches == 2, "the start, and one for all of the unknown keys"


@pytest.fixture
async def secret_mode() -> AsyncIterator[Client]:
    """A caller of an application that checks tokens with a secret."""
    async with serving(better_auth_secret=SECRET) as client:
        yield client


async def test_an_application_with_a_secret_stands_all_attacks(secret_mode: Client) -> None:
    key = SECRET.encode()
    good, claims = issue_token("alice", key, 900), hs256_claims()
    attacks = [
        *forgeries.unsigned(claims, "first"),
        *forgeries.signatures(good, "HS256"),
        *((f"{algorithm}: {name}", token) for algorithm in ALGORITHMS for name, token in public_key_attacks(algorithm)),
        *((f"{digest}", sign(claims, json.dumps({"alg": "HS256"}), key, digest)) for digest in ("sha384", "sha512")),
        *((f"alg HS{n}", sign(claims, json.dumps({"alg": f"HS{n}"}), key, f"sha{n}")) for n in (384, 512)),
    ]
    headers = [*((name, f"Bearer {token}") for name, token in attacks), *misuses.envelopes(good)]
    assert len(headers) > 200

    await assert_all_refused(secret_mode, good, headers)


def public_key_attacks(algorithm: str) -> Iterator[tuple[str, str]]:
    """A stock Better Auth's tokens, good and bad: here they are all the same."""
    signer, claims = pair(algorithm), json.dumps(misuses.claims_with("http://localhost:3000"))
    yield "good elsewhere", signer.sign()
    yield from forgeries.headers(claims, algorithm, signer.kid)
    yield from forgeries.confusions(claims, signer)
