"""A stock Better Auth and nothing but its URL: the application over HTTP, with keys that come, change and go."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.testing.clients import Client, assert_error
from tests.core.auth.conftest import serving, status
from tests.parts.issuer import ALGORITHMS, Issuer, key_set, pair


@pytest.fixture
async def caller(issuer: Issuer) -> AsyncIterator[Client]:
    """A caller of an application that has the keys of the issuer."""
    async with serving(better_auth_url=issuer.origin) as client:
        assert await status(client, issuer.sign(pair())) == 200
        yield client


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_better_auths_url_alone_lets_its_users_in(issuer: Issuer, algorithm: str) -> None:
    issuer.body = key_set(pair("ES256", "another"), pair(algorithm))
    async with serving(better_auth_url=issuer.origin) as client:
        for subject in ("alice", "Zq3kVx8c2LrT0aYbN7mWfEuJ5hGdPs1i", "42"):
            headers = {"Authorization": f"Bearer {issuer.sign(pair(algorithm), sub=subject)}"}
            assert (await client.get("/whoami", headers=headers)).text == subject
        assert await status(client, issuer.sign(pair(algorithm, "forged"))) == 401


async def test_the_address_the_issuer_and_the_audience_can_be_others(issuer: Issuer) -> None:
    there = {"better_auth_url": "http://127.0.0.1:1", "better_auth_jwks_url": issuer.url}
    async with serving(**there, jwt_issuer="i", jwt_audience="a") as client:
        assert await status(client, pair().sign(iss="i", aud="a")) == 200
        assert await status(client, pair().sign(iss="i", aud=["b", "a"])) == 200
        assert await status(client, issuer.sign(pair())) == 401


async def test_who_has_a_known_key_never_waits_for_the_issuer(issuer: Issuer, caller: Client) -> None:
    with issuer.stalled():
        stranger = asyncio.create_task(status(caller, issuer.sign(pair(kid="unknown"))))
        async with asyncio.timeout(10):
            while issuer.fetches < 2:  # noqa: ASYNC110  # it is in another thread
                await asyncio.sleep(0.001)
        for number in range(20):
            assert await status(caller, issuer.sign(pair(), sub=f"user-{number}")) == 200
        assert not stranger.done()
    assert await stranger == 401


async def test_a_key_that_is_new_is_fetched_and_one_that_is_gone_opens_nothing(issuer: Issuer, caller: Client) -> None:
    old, new = issuer.sign(pair()), issuer.sign(pair(kid="second"))
    issuer.body = key_set(pair(kid="second"))

    assert await status(caller, old) == 200  # remembered, and nobody has heard of the change
    assert await status(caller, new) == 200
    assert await status(caller, old) == 401
    assert issuer.fetches == 2


async def test_during_the_grace_period_both_keys_count(issuer: Issuer, caller: Client) -> None:
    issuer.body = key_set(pair(), pair(kid="second"))

    for kid in ("second", "first"):
        assert await status(caller, issuer.sign(pair(kid=kid))) == 200


async def test_however_many_unknown_keys_are_sent_the_issuer_is_asked_once(issuer: Issuer, caller: Client) -> None:
    strangers = [pair().sign({"kid": f"unknown-{number}"}) for number in range(200)]

    assert {await status(caller, token) for token in strangers[:100]} == {401}
    assert set(await asyncio.gather(*(status(caller, token) for token in strangers[100:]))) == {401}
    assert issuer.fetches == 2


async def test_a_token_that_cannot_be_good_asks_nobody(issuer: Issuer, caller: Client) -> None:
    for token in ("x", "a.b.c", pair().sign({"kid": None}), pair(kid="unknown").sign({"typ": "x"})):
        assert await status(caller, token) == 401
    assert issuer.fetches == 1


async def test_users_stay_in_while_the_issuer_is_down(issuer: Issuer, caller: Client) -> None:
    issuer.status = 500

    assert await status(caller, issuer.sign(pair(kid="unknown"))) == 401
    assert await status(caller, issuer.sign(pair(), sub="bob")) == 200


async def test_until_there_are_keys_a_token_that_may_be_good_is_to_be_sent_again(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.status, token = 500, issuer.sign(pair())
    async with serving(better_auth_url=issuer.origin) as client:
        answer = await client.get("/whoami", headers={"Authorization": f"Bearer {token}"})
        assert assert_error(answer, 503) == {"detail": "Tokens cannot be verified at the moment; try again"}
        assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("5", "no-store")
        assert token not in caplog.text
        assert await status(client, "no.token.atall") == 401
        assert (await client.get("/health")).status_code == 200

        issuer.status = 200
        monkeypatch.setattr("app.core.auth.jwks_client.UNKNOWN_KEY_COOLDOWN", 0)
        assert await status(client, token) == 200


async def test_the_log_names_the_unknown_key_but_no_line_of_the_senders(
    issuer: Issuer, caller: Client, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.sign(pair(kid="unknown"))
    for sent in (token, pair().sign({"kid": "a\nforged - INFO - line"}), pair().sign({"kid": "k" * 65})):
        assert await status(caller, sent) == 401

    refusals = [r.getMessage() for r in caplog.records if r.name == "app.core.auth.middleware"]
    assert refusals == ["refused: unknown_kid (unknown)", "refused: unknown_kid", "refused: unknown_kid"]
    assert token not in caplog.text
