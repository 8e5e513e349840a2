"""`app check-token`: one sentence that says what is wrong, and an exit code that says whether anything is."""

import ast
import json
import time
from base64 import b64decode
from typing import Any, Final, NoReturn

import jwt
import pytest
from click.testing import CliRunner

from app.__main__ import main
from app.core.auth.tokens import InvalidToken, issue_token
from app.core.cli.token_diagnosis.case import Case
from app.core.cli.token_diagnosis.verdict import SENTENCES, diagnose
from app.settings import BASE_DIR
from app.settings.formats import KNOWN_SECRETS
from app.testing.databases import SECRET, settings_for_tests
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
        "malformed: This is a session token of Better Auth, not a JWT: get a token from Better Auth (GET /api",
    ),
    "a session token as the cookie has it": (
        "Zq3kVx8c2LrT0aYbN7mWfEuJ5hGdPs1i.c2lnbmF0dXJlIG9mIHRoZSBzZXNzaW9u%2B%2FA%3D",
        {},
        "malformed: This is a session token of Better Auth",
    ),
    "an encrypted cookie": ("a.b.c.d.e", {}, "malformed: This is an encrypted token"),
    "a part of a token": (hs256().rpartition(".")[0], {}, "malformed: This is not a JWT, which has three parts"),
    "quotes around it": (f'"{hs256()}"', {}, "malformed: This is not a JWT: one of its parts"),
    "EdDSA against a secret": (
        pair().sign(),
        {},
        "alg_not_allowed: The token is signed with EdDSA, the default of Better Auth, but this environment checks HS256"
        " with a secret: set BETTER_AUTH_URL",
    ),
    "HS256 against public keys": (
        hs256(),
        STOCK,
        "alg_not_allowed: The token is signed with a secret (HS256), but this",
    ),
    "none": (jwt.encode({}, "", "none") + "AA", {}, "alg_not_allowed: The token names the algorithm 'none'"),
    "another secret": (
        hs256(KEY[::-1]),
        {},
        "bad_signature: The token is signed with another secret, or was changed after it was signed: compare",
    ),
    "the public default": (
        hs256(min(KNOWN_SECRETS).encode(), exp=1),
        {},
        "bad_signature: The token is signed with Better Auth's public default",
    ),
    "the secret, decoded": (
        hs256(b64decode(BASE64)),
        {"BETTER_AUTH_SECRET": BASE64},
        "bad_signature: The token is signed with the base64-decoded BETTER_AUTH_SECRET",
    ),
    "audience with a slash": (
        pair().sign(aud=f"{ORIGIN}/"),
        STOCK,
        f"aud_mismatch: The `aud` of the token is '{ORIGIN}/', but '{ORIGIN}' is expected: they differ only in",
    ),
    "a slash in the setting": (
        pair().sign(aud=["other", ORIGIN]),
        STOCK | {"JWT_AUDIENCE": f"{ORIGIN}/"},
        f"aud_mismatch: The `aud` of the token is ['other', '{ORIGIN}'], but '{ORIGIN}/' is expected: they differ",
    ),
    "another audience": (
        pair().sign(aud="x\x1b[31m"),
        STOCK,
        f"aud_mismatch: The `aud` of the token is 'x\\x1b[31m', but '{ORIGIN}'",
    ),
    "no audience": (
        pair().sign(aud=None),
        STOCK,
        f"aud_mismatch: The token has no `aud`: sign it with `aud` '{ORIGIN}'",
    ),
    "another issuer": (pair().sign(iss="i"), STOCK, f"iss_mismatch: The `iss` of the token is 'i', but '{ORIGIN}' is"),
    "expired": (hs256(exp=NOW - DAY), {}, "expired: The token expired 1 day, 0:"),
    "from the future": (hs256(iat=NOW + DAY - 1), {}, "not_yet_valid: The token starts in the future, 23:"),
    "milliseconds": (hs256(exp=NOW * 1000), {}, "bad_exp: The `exp` of the token is in milliseconds: write seconds"),
    "a time that is none": (hs256(nbf="soon"), {}, "bad_nbf: The `nbf` of the token is not a valid time"),
    "a mail's link": (
        jwt.encode({"email": "a@b.example", "iat": NOW, "exp": NOW + DAY}, KEY),
        {},
        "no_sub: The token has no `sub`, like the tokens in the links of Better Auth's e-mails",
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
        "type_not_allowed: The type of the token (`typ`) is 'id+jwt', but an access token has JWT or at+jwt",
    ),
    "no kid": (
        Pair("", "EdDSA", pair().private).sign({"kid": None}),
        STOCK,
        "no_kid: The token does not name its key",
    ),
    "no payload": (swapped(pair().sign(), 1, segment("[]")), STOCK, "malformed: This is not a JWT"),
    "endless": ("a" * 17_000, {}, "too_long: The token is longer than 16384 characters"),
    "empty": ("", {}, "malformed: This is not a JWT, which has three parts"),
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
    assert reason in SENTENCES
    assert sentence.endswith(".\n")
    assert printed[:-1].isprintable()
    assert len(printed) < 400


@pytest.mark.parametrize("token", [issue_token("alice", KEY, 900), with_type("jwt"), with_type("application/at+jwt")])
def test_a_good_token_is_named_and_the_exit_code_is_zero(invoke: Invoke, token: str) -> None:
    result = invoke("check-token", token)

    assert result.exit_code == 0
    assert result.stdout.startswith("The token is valid: the user is 'alice', until 2")


def test_with_public_keys_it_says_that_the_signature_is_not_checked(invoke: Invoke) -> None:
    result = invoke("check-token", pair().sign(), **STOCK)

    assert result.exit_code == 0
    assert "the signature is not checked here" in result.stdout
    assert f"the key 'first' from {ORIGIN}/api/auth/jwks" in result.stdout


@pytest.mark.parametrize("form", ["{}", "{}\n", "Bearer {}\n", "bearer   {}", "Authorization: Bearer {}\r\n"])
def test_the_token_can_come_from_standard_input_and_as_it_was_pasted(invoke: Invoke, form: str) -> None:
    given = form.format(issue_token("alice", KEY, 900))
    invoke("check-token", "x")  # settings for the call below

    assert invoke("check-token", given).exit_code == 0
    result = CliRunner().invoke(
        main, ["check-token", "-"], input=given, env={"BETTER_AUTH_SECRET": SECRET}, prog_name="app"
    )
    assert (result.exit_code, result.stdout[:18]) == (0, "The token is valid")


def test_a_bad_setting_is_one_line(invoke: Invoke) -> None:
    result = invoke("check-token", "x", BETTER_AUTH_SECRET="zebra")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: BETTER_AUTH_SECRET needs at least 32 characters")


def reasons() -> set[str]:
    """The code of every InvalidToken in app/core/auth; those of the middleware are about headers, not about tokens."""
    found = set()
    for path in (BASE_DIR / "app/core/auth").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())) if path.name != "middleware.py" else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"InvalidToken", "super().__init__"}:
                found.add(ast.unparse(node.args[0]))
    return {ast.literal_eval(code) for code in found if code.startswith("'")} | times(found)


def times(found: set[str]) -> set[str]:
    assert {code for code in found if code.startswith("f")} == {"f'bad_{claim}'"}
    return {"bad_exp", "bad_iat", "bad_nbf"}


def test_every_reason_to_refuse_a_token_has_a_sentence() -> None:
    assert {"malformed", "unknown_kid", "aud_mismatch"} < reasons()
    assert reasons() == set(SENTENCES)


def test_an_unknown_reason_is_not_explained_by_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.cli.token_diagnosis.verdict.read_header", refuse_for_a_new_reason)

    verdict = diagnose("x", settings_for_tests("", better_auth_secret=None, better_auth_url=ORIGIN))

    assert verdict.reason == "a_new_reason"
    assert verdict.sentence.startswith("The token is refused, and there is no explanation for this code")


def refuse_for_a_new_reason(_: str) -> NoReturn:
    raise InvalidToken("a_new_reason")


def test_a_key_that_is_not_published_is_named() -> None:
    case = Case(pair().sign(), settings_for_tests("", better_auth_secret=None, better_auth_url=ORIGIN))

    assert SENTENCES["unknown_kid"](case).startswith("Better Auth does not publish the key 'first' of the token: get")
