"""Explanations of refused claims: times, user, issuer and audience."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from app.core.auth.tokens import CLOCK_SKEW, MAX_SUBJECT_LENGTH
from app.core.cli.token_diagnosis.case import GET_A_TOKEN, Case, duration, printable, timestamp


def _expired(case: Case) -> str:
    exp, now = case.claims["exp"], time.time()
    return (
        f"The token expired {duration(now - exp)} ago, at {timestamp(exp)}: get a new one; if it is new, correct the"
        f" clocks (the clock of this machine says {timestamp(now)})."
    )


def _not_yet_valid(case: Case) -> str:
    now = time.time()
    ahead = max(case.claims[claim] for claim in ("iat", "nbf") if claim in case.claims) - now
    return (
        f"The token starts in the future, {duration(ahead)} after the time of this machine, {timestamp(now)}, and only"
        f" {CLOCK_SKEW} seconds are allowed: correct the clocks of both machines."
    )


def _bad_time(case: Case, *, claim: str) -> str:
    value = case.claims.get(claim)
    if isinstance(value, int | float) and 1e11 < value < 1e15:
        return f"The `{claim}` of the token is in milliseconds: write seconds, Math.floor(Date.now() / 1000)."
    return f"The `{claim}` of the token is not a valid time: write a number of seconds since 1970."


def _no_subject(case: Case) -> str:
    if "session" in case.claims:
        return f"This is Better Auth's session cookie, not an access token: {GET_A_TOKEN}."
    if "email" in case.claims and "iat" in case.claims:
        return f"The token has no `sub`, like the tokens in the links of Better Auth's e-mails: {GET_A_TOKEN}."
    return "The token has no text as its `sub`, the only claim that names the user: write the user's id there."


def _issuer(case: Case) -> str:
    return _mismatch("iss", "JWT_ISSUER", case.claims.get("iss"), case.expected.issuer)


def _audience(case: Case) -> str:
    return _mismatch("aud", "JWT_AUDIENCE", case.claims.get("aud"), case.expected.audience)


def _mismatch(claim: str, setting: str, found: object, expected: str | None) -> str:
    if found is None:
        return f"The token has no `{claim}`: sign it with `{claim}` {expected!r}."
    values = [str(value) for value in (found if isinstance(found, list) else [found])]
    sentence = f"The `{claim}` of the token is {printable(found)}, but {expected!r} is expected"
    if str(expected).rstrip("/") in (value.rstrip("/") for value in values):
        return f"{sentence}: they differ only in the slash at the end, so set {setting} to the value in the token."
    return f"{sentence}: if the token is right, set {setting} to its value."


CLAIMS: Final[dict[str, Callable[[Case], str]]] = {
    "no_exp": lambda _: "The token has no `exp` and would never expire: sign it with an expiry time.",
    "expired": _expired,
    "not_yet_valid": _not_yet_valid,
    **{f"bad_{claim}": partial(_bad_time, claim=claim) for claim in ("exp", "iat", "nbf")},
    "no_sub": _no_subject,
    "bad_sub": lambda _: (
        f"The `sub` of the token is not a valid id: write 1 to {MAX_SUBJECT_LENGTH} printable characters, at least one"
        " of them not a space."
    ),
    "iss_mismatch": _issuer,
    "aud_mismatch": _audience,
}
