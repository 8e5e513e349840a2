"""`app check-token`: one sentence that says what is wrong, and an exit code that says whether anything is."""

import json
import time
from base64 import b64decode
from typing import Any, Final

import jwt
import pytest
from click.testing import CliRunner

from app.__main__ import main
from app.core.auth.tokens import issue_token
from app.core.cli.diagnosis import SENTENCES
from app.settings.formats import KNOWN_SECRETS
from app.testing.databases import SECRET
from tests.core.cli.conftest import Invoke
from tests.parts.bad_tokens import ALGORITHMS, BROKEN_SIGNATURE, EXPIRIES, EXTENSIONS, IDENTITIES, MALFORMED
from tests.parts.issuer import ORIGIN, Pair, pair
from tests.parts.signing import segment, swapped

KEY: Final = SECRET.encode()
STOCK: Final = {"BETTER_AUTH_SECRET": "", "BETTER_AUTH_URL": ORIGIN}
BASE64: Final = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA=="
# The tokens are made when the file is read, up to minutes before a test asks about one: their times are days away.
NOW: Final = int(time.time())
DAY: Final = 86_400


def hs256(key: bytes = KEY, **claims: Any) -> str:
    return jwt.encode({"sub": "alice", "exp": NOW + DAY, **claims}, key, "HS256")


def with_type(kind: str) -> str:
    return jwt.encode({"sub": "alice", "exp": NOW + DAY}, KEY, "HS256", {"typ": kind})


EXPLAINED: Final[dict[str, tuple[str, dict[str, str], str]]] = {
    "a session token": (
        "Zq3kVx8c2LrT0aYbN7mWfEuJ5hGdPs1i.c2lnbmF0dXJlIG9mIHRoZSBzZXNzaW9u+/A=",
        STOCK,
        "malformed: This is a session token of Better Auth's, not a JWT: ask Better Auth for a token (GET /api",
    ),
    "a session token as the cookie has it": (
        "Zq3kVx8c2LrT0aYbN7mWfEuJ5hGdPs1i.c2lnbmF0dXJlIG9mIHRoZSBzZXNzaW9u%2B%2FA%3D",
        {},
        "malformed: This is a session token of Better Auth's",
    ),
    "an encrypted cookie": ("a.b.c.d.e", {}, "malformed: This is an encrypted token"),
    "a part of a token": (hs256().rpartition(".")[0], {}, "malformed: This is no JWT, which has three parts"),
    "quotes around it": (f'"{hs256()}"', {}, "malformed: This is no JWT: one of its parts"),
    "EdDSA against a secret": (
        pair().sign(),
        {},
        "alg_not_allowed: It is signed with EdDSA, as a stock Better Auth signs, and this environment checks HS256 with"
        " a secret: set BETTER_AUTH_URL",
    ),
    "HS256 against public keys": (hs256(), STOCK, "alg_not_allowed: It is signed with a secret (HS256), and this"),
    "none": (jwt.encode({}, "", "none") + "AA", {}, "alg_not_allowed: It says that it is signed with 'none'"),
    "another secret": (
        hs256(KEY[::-1]),
        {},
        "bad_signature: It is signed with another secret, or was changed afterwards: compare BETTER_AUTH_SECRET",
    ),
    "the public default": (
        hs256(min(KNOWN_SECRETS).encode(), exp=1),
        {},
        "bad_signature: It is signed with Better Auth's public default",
    ),
    "the secret, decoded": (
        hs256(b64decode(BASE64)),
        {"BETTER_AUTH_SECRET": BASE64},
        "bad_signature: It is signed with what BETTER_AUTH_SECRET is the base64 of",
    ),
    "audience with a slash": (
        pair().sign(aud=f"{ORIGIN}/"),
        STOCK,
        f"aud_mismatch: Its `aud` is '{ORIGIN}/' and '{ORIGIN}' is expected: they differ by a slash at the end",
    ),
    "a slash in the setting": (
        pair().sign(aud=["other", ORIGIN]),
        STOCK | {"JWT_AUDIENCE": f"{ORIGIN}/"},
        f"aud_mismatch: Its `aud` is ['other', '{ORIGIN}'] and '{ORIGIN}/' is expected: they differ by a slash",
    ),
    "another audience": (
        pair().sign(aud="x\x1b[31m"),
        STOCK,
        f"aud_mismatch: Its `aud` is 'x\\x1b[31m' and '{ORIGIN}'",
    ),
    "no audience": (pair().sign(aud=None), STOCK, f"aud_mismatch: It has no `aud`, and '{ORIGIN}' is expected"),
    "another issuer": (pair().sign(iss="i"), STOCK, f"iss_mismatch: Its `iss` is 'i' and '{ORIGIN}' is expected"),
    "expired": (hs256(exp=NOW - DAY), {}, "expired: It expired 1 day, 0:"),
    "from the future": (hs256(iat=NOW + DAY - 1), {}, "not_yet_valid: It is from the future: 23:"),
    "milliseconds": (hs256(exp=NOW * 1000), {}, "bad_exp: Its exp is in milliseconds and has to be in seconds"),
    "a time that is none": (hs256(nbf="soon"), {}, "bad_nbf: One of its times (exp, iat, nbf) is no time"),
    "a mail's link": (
        jwt.encode({"email": "a@b.example", "iat": NOW, "exp": NOW + DAY}, KEY),
        {},
        "no_sub: It has no `sub`, so it is nobody's; links in Better Auth's mails have such tokens",
    ),
    "a session cookie": (
        jwt.encode({"session": {"userId": "alice"}, "user": {"id": "alice"}, "exp": NOW + DAY}, KEY),
        {},
        "no_sub: This is Better Auth's session cookie, not an access token",
    ),
    "a session cookie, signed": (with_type("better-auth.session-cache+jwt"), {}, "type_not_allowed: This is Better"),
    "a session cookie, signed, in capitals": (
        with_type("Better-Auth.Session-Cache+JWT"),
        {},
        "type_not_allowed: This is Better",
    ),
    "another type": (
        with_type("id+jwt"),
        {},
        "type_not_allowed: Its type is 'id+jwt', which is not an access token's (JWT or at+jwt, in any case): ask",
    ),
    "no kid": (
        Pair("", "EdDSA", pair().private).sign({"kid": None}),
        STOCK,
        "no_kid: It does not name its key",
    ),
    "no payload": (swapped(pair().sign(), 1, segment("[]")), STOCK, "malformed: This is no JWT"),
    "endless": ("a" * 17_000, {}, "too_long: It is longer than 16384 characters"),
    "empty": ("", {}, "malformed: This is no JWT, which has three parts"),
}


@pytest.mark.parametrize(("token", "environment", "sentence"), EXPLAINED.values(), ids=EXPLAINED)
def test_it_says_what_is_wrong(invoke: Invoke, token: str, environment: dict[str, str], sentence: str) -> None:
    result = invoke("check-token", token, **environment)

    assert result.exit_code == 1
    assert result.stdout.startswith(sentence)
    assert_one_sentence(result.stdout)


REFUSED: Final = [
    *ALGORITHMS.values(),
    *BROKEN_SIGNATURE.values(),
    *EXTENSIONS.values(),
    *MALFORMED.values(),
    *(payload for payload, _ in EXPIRIES.values()),
    *(payload for payload, _ in IDENTITIES.values()),
]


@pytest.mark.parametrize("environment", [{}, STOCK], ids=["secret", "public keys"])
def test_whatever_it_is_given_it_has_a_sentence(invoke: Invoke, environment: dict[str, str]) -> None:
    header = json.dumps({"alg": "EdDSA", "kid": "first"})
    for refused in REFUSED:
        token = pair().sign_text(header, refused) if refused.startswith("{") else refused
        result = invoke("check-token", "--", token, **environment)

        assert result.exit_code == 1, token
        assert_one_sentence(result.stdout)


def assert_one_sentence(printed: str) -> None:
    reason, _, sentence = printed.partition(": ")
    assert reason in SENTENCES or reason.startswith("bad_")
    assert sentence.endswith(".\n")
    assert printed[:-1].isprintable()
    assert len(printed) < 400


@pytest.mark.parametrize("token", [issue_token("alice", KEY, 900), with_type("jwt"), with_type("application/at+jwt")])
def test_a_good_token_is_named_and_the_exit_code_is_zero(invoke: Invoke, token: str) -> None:
    result = invoke("check-token", token)

    assert result.exit_code == 0
    assert result.stdout.startswith("It is valid: the user is 'alice', until 2")


def test_with_public_keys_it_says_that_the_signature_is_not_checked(invoke: Invoke) -> None:
    result = invoke("check-token", pair().sign(), **STOCK)

    assert result.exit_code == 0
    assert "its signature is not checked here" in result.stdout
    assert f"the key 'first' from {ORIGIN}/api/auth/jwks" in result.stdout


@pytest.mark.parametrize("form", ["{}", "{}\n", "Bearer {}\n", "bearer   {}", "Authorization: Bearer {}\r\n"])
def test_the_token_can_come_from_standard_input_and_as_it_was_pasted(invoke: Invoke, form: str) -> None:
    given = form.format(issue_token("alice", KEY, 900))
    invoke("check-token", "x")  # settings for the call below

    assert invoke("check-token", given).exit_code == 0
    result = CliRunner().invoke(
        main, ["check-token", "-"], input=given, env={"BETTER_AUTH_SECRET": SECRET}, prog_name="app"
    )
    assert (result.exit_code, result.stdout[:11]) == (0, "It is valid")


def test_a_bad_setting_is_one_line(invoke: Invoke) -> None:
    result = invoke("check-token", "x", BETTER_AUTH_SECRET="zebra")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: BETTER_AUTH_SECRET needs at least 32 characters")
