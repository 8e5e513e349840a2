"""What is wrong with a token, in one sentence for the person who has to put it right; never for a client.

The verdict is the verifier's own. The sentence comes from looking into the token, without believing it.
"""

import hmac
import json
import re
import time
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.core.auth.better_auth import expected_claims, jwks_url
from app.core.auth.jwk_set import ALGORITHMS, JwkSet, KeysUnavailable
from app.core.auth.secret_keys import SecretKeys, signing_keys
from app.core.auth.tokens import (
    ALGORITHM,
    CLOCK_SKEW,
    MAX_SUBJECT_LENGTH,
    MAX_TOKEN_BYTES,
    ExpectedClaims,
    InvalidToken,
    decode_token,
    read_header,
    validate_claims,
)
from app.settings import Settings
from app.settings.formats import KNOWN_SECRETS

_SESSION_TOKEN: Final = re.compile(r"(?!eyJ)[A-Za-z0-9]{16,64}(\.|%2[Ee])[A-Za-z0-9+/=%_-]{20,}")
_LONGEST: Final = 100  # characters of a claim that are repeated
_ASK: Final = "ask Better Auth for a token (GET /api/auth/token) and send that"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is the code that the log has for a refusal, None where the token gets in."""

    reason: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class _Case:
    token: str
    header: dict[str, Any]
    claims: dict[str, Any]
    expected: ExpectedClaims
    settings: Settings


def explain(token: str, settings: Settings) -> Verdict:
    """Judge a token as the application would with these settings, without asking anybody.

    Only the issuer has the public keys, so with them the signature is not looked at, and the sentence says so.

    Raises:
        InvalidSettings: there is no secret to check it with.
    """
    case = _Case(token, _part(token, 0), _part(token, 1), expected_claims(settings), settings)
    try:
        if settings.uses_jwks:
            _check_all_but_signature(case)
        else:
            decode_token(token, SecretKeys(*signing_keys(settings)), case.expected)
    except InvalidToken as error:
        say = SENTENCES.get(error.reason, _bad_time)
        return Verdict(error.reason, say(case))
    return Verdict(None, _welcome(case))


def _check_all_but_signature(case: _Case) -> None:
    header = read_header(case.token)
    with suppress(KeysUnavailable):
        JwkSet().candidates(header["alg"], header.get("kid"))
    if not case.claims:
        raise InvalidToken("malformed")
    validate_claims(case.claims, case.expected)


def _part(token: str, number: int) -> dict[str, Any]:
    """One of the token's parts, or nothing where that is no object."""
    with suppress(ValueError, IndexError, RecursionError):
        segment = token[: MAX_TOKEN_BYTES + 1].split(".")[number]
        found = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
        return found if isinstance(found, dict) else {}
    return {}


def _welcome(case: _Case) -> str:
    who = f"the user is {_shown(case.claims['sub'])}, until {_date(case.claims['exp'])}"
    if not case.settings.uses_jwks:
        return f"It is valid: {who}."
    key = f"the key {_shown(case.header['kid'])} from {jwks_url(case.settings)}"
    return f"Its claims are in order ({who}); its signature is not checked here, for want of {key}."


def _malformed(case: _Case) -> str:
    if _SESSION_TOKEN.fullmatch(case.token):
        return f"This is a session token of Better Auth's, not a JWT: {_ASK}."
    if case.token.count(".") == 4:
        return f"This is an encrypted token, such as Better Auth's session cookie may be: {_ASK}."
    if case.token.count(".") != 2:
        return "This is no JWT, which has three parts with a dot between them: copy all of it, and nothing else."
    return "This is no JWT: one of its parts is cut off, is not base64url, or is no JSON object; copy it as it came."


def _algorithm(case: _Case) -> str:
    found = case.header.get("alg")
    if not case.settings.uses_jwks and isinstance(found, str) and found in ALGORITHMS:
        return (
            f"It is signed with {found}, as a stock Better Auth signs, and this environment checks {ALGORITHM} with a"
            " secret: set BETTER_AUTH_URL, and JWT_KEYS=jwks if the secret has to stay."
        )
    if case.settings.uses_jwks and found == ALGORITHM:
        return (
            f"It is signed with a secret ({ALGORITHM}), and this environment checks with Better Auth's public keys:"
            f" {_ASK}, or set JWT_KEYS=secret and BETTER_AUTH_SECRET."
        )
    allowed = ", ".join(ALGORITHMS) if case.settings.uses_jwks else ALGORITHM
    return f"It says that it is signed with {_shown(found)}, and only {allowed} is accepted here."


def _signature(case: _Case) -> str:
    if any(_is_signed_with(secret.encode(), case.token) for secret in KNOWN_SECRETS):
        return "It is signed with Better Auth's public default: set BETTER_AUTH_SECRET on its side too."
    if any(_is_signed_with(_unpacked(key), case.token) for key in signing_keys(case.settings)):
        return "It is signed with what BETTER_AUTH_SECRET is the base64 of: sign with its characters as they are."
    return (
        "It is signed with another secret, or was changed afterwards: compare BETTER_AUTH_SECRET on both sides, to the"
        " letter (quotes and white space count)."
    )


def _is_signed_with(key: bytes, token: str) -> bool:
    signed, _, signature = token.rpartition(".")
    return urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=") == signature.encode()


def _unpacked(key: bytes) -> bytes:
    with suppress(ValueError):
        return b64decode(key, validate=True)
    return b""


def _type(case: _Case) -> str:
    if "session" in str(case.header.get("typ")).lower():
        return f"This is Better Auth's session cookie, not an access token: {_ASK}."
    found = _shown(case.header.get("typ"))
    return f"Its type is {found}, which is not an access token's (JWT or at+jwt, in any case): {_ASK}."


def _expired(case: _Case) -> str:
    exp = case.claims["exp"]
    return (
        f"It expired {_ago(time.time() - exp)} ago, at {_date(exp)}: get a new one, and if it is new, set the clocks"
        f" right (here it is {_date(time.time())})."
    )


def _early(case: _Case) -> str:
    ahead = max(case.claims[name] for name in ("iat", "nbf") if name in case.claims) - time.time()
    return (
        f"It is from the future: {_ago(ahead)} ahead of this machine's clock, where it is {_date(time.time())}, and"
        f" {CLOCK_SKEW} seconds are allowed; set the clocks of both machines right."
    )


def _bad_time(case: _Case) -> str:
    for name in ("exp", "iat", "nbf"):
        value = case.claims.get(name)
        if isinstance(value, int | float) and 1e11 < value < 1e15:
            return f"Its {name} is in milliseconds and has to be in seconds: Math.floor(Date.now() / 1000)."
    return "One of its times (exp, iat, nbf) is no time: each is a number of seconds since 1970."


def _no_subject(case: _Case) -> str:
    if "session" in case.claims:
        return f"This is Better Auth's session cookie, not an access token: {_ASK}."
    if "email" in case.claims and "iat" in case.claims:
        return f"It has no `sub`, so it is nobody's; links in Better Auth's mails have such tokens: {_ASK}."
    return "It has no text as its `sub`, the one claim that says who is calling: sign it with the user's id there."


def _issuer(case: _Case) -> str:
    return _mismatch("iss", "JWT_ISSUER", case.claims.get("iss"), case.expected.issuer)


def _audience(case: _Case) -> str:
    return _mismatch("aud", "JWT_AUDIENCE", case.claims.get("aud"), case.expected.audience)


def _mismatch(claim: str, setting: str, found: object, expected: str | None) -> str:
    values = [str(value) for value in (found if isinstance(found, list) else [found])]
    what = f"Its `{claim}` is {_shown(found)} and {expected!r} is expected"
    if str(expected).rstrip("/") in (value.rstrip("/") for value in values):
        return f"{what}: they differ by a slash at the end, so set {setting} to what the tokens have."
    if found is None:
        return f"It has no `{claim}`, and {expected!r} is expected: sign it with that."
    return f"{what}: set {setting} if the token is right."


SENTENCES: Final[dict[str, Callable[[_Case], str]]] = {
    "too_long": lambda _: (
        f"It is longer than {MAX_TOKEN_BYTES} characters: leave pictures and the like out of the claims."
    ),
    "malformed": _malformed,
    "alg_not_allowed": _algorithm,
    "no_kid": lambda _: f"It does not name its key (`kid`), as every token of a stock Better Auth does: {_ASK}.",
    "extension_not_supported": lambda _: "Its header has `crit`, `b64` or `zip`: leave them out.",
    "type_not_allowed": _type,
    "bad_signature": _signature,
    "no_exp": lambda _: "It has no `exp`, so it would be valid for ever: sign it with an expiry.",
    "expired": _expired,
    "not_yet_valid": _early,
    "no_sub": _no_subject,
    "bad_sub": lambda _: f"Its `sub` is no id, which is 1 to {MAX_SUBJECT_LENGTH} printable characters, and not blank.",
    "iss_mismatch": _issuer,
    "aud_mismatch": _audience,
}


def _shown(value: object) -> str:
    """A value from the token, on one line and without anything that a terminal would obey."""
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _ago(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
