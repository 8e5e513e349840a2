"""Explanations of a refused form, header or signature."""

import hmac
import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.core.auth.jwk_set import ALGORITHMS
from app.core.auth.secret_keys import signing_keys
from app.core.auth.tokens import ALGORITHM, MAX_TOKEN_BYTES
from app.core.cli.token_diagnosis.case import GET_A_TOKEN, Case, printable
from app.settings.formats import KNOWN_SECRETS

_SESSION_TOKEN: Final = re.compile(r"(?!eyJ)[A-Za-z0-9]{16,64}(\.|%2[Ee])[A-Za-z0-9+/=%_-]{20,}")


def _malformed(case: Case) -> str:
    if _SESSION_TOKEN.fullmatch(case.token):
        return f"This is a session token of Better Auth, not a JWT: {GET_A_TOKEN}."
    if case.token.count(".") == 4:
        return f"This is an encrypted token, for example Better Auth's session cookie: {GET_A_TOKEN}."
    if case.token.count(".") != 2:
        return "This is not a JWT, which has three parts with dots between them: copy the whole token and nothing else."
    return (
        "This is not a JWT: one of its parts is incomplete, not base64url, or not a JSON object; copy the token again,"
        " without changes."
    )


def _algorithm(case: Case) -> str:
    found, uses_jwks = case.header.get("alg"), case.settings.uses_jwks
    if not uses_jwks and isinstance(found, str) and found in ALGORITHMS:
        return (
            f"The token is signed with {found}, the default of Better Auth, but this environment checks {ALGORITHM}"
            " with a secret: set BETTER_AUTH_URL; to keep the secret as well, set JWT_KEYS=jwks too."
        )
    if uses_jwks and found == ALGORITHM:
        return (
            f"The token is signed with a secret ({ALGORITHM}), but this environment checks with Better Auth's public"
            f" keys: {GET_A_TOKEN}, or set JWT_KEYS=secret and BETTER_AUTH_SECRET."
        )
    allowed = ", ".join(ALGORITHMS) if uses_jwks else ALGORITHM
    return f"The token names the algorithm {printable(found)}; sign it with one that is accepted here: {allowed}."


def _unknown_key(case: Case) -> str:
    key = printable(case.header.get("kid"))
    return f"Better Auth does not publish the key {key} of the token: {GET_A_TOKEN}."


def _type(case: Case) -> str:
    found = case.header.get("typ")
    if "session" in str(found).lower():
        return f"This is Better Auth's session cookie, not an access token: {GET_A_TOKEN}."
    return (
        f"The type of the token (`typ`) is {printable(found)}, but an access token has JWT or at+jwt, in any case:"
        f" {GET_A_TOKEN}."
    )


def _signature(case: Case) -> str:
    if any(_is_signed_with(secret.encode(), case.token) for secret in KNOWN_SECRETS):
        return "The token is signed with Better Auth's public default: set BETTER_AUTH_SECRET for Better Auth too."
    if any(_is_signed_with(_base64_decoded(key), case.token) for key in signing_keys(case.settings)):
        return (
            "The token is signed with the base64-decoded BETTER_AUTH_SECRET: sign it with the characters of the secret"
            " as they are."
        )
    return (
        "The token is signed with another secret, or was changed after it was signed: compare BETTER_AUTH_SECRET on"
        " both sides, including quotes and spaces."
    )


def _is_signed_with(key: bytes, token: str) -> bool:
    signed, _, signature = token.rpartition(".")
    return urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=") == signature.encode()


def _base64_decoded(key: bytes) -> bytes:
    with suppress(ValueError):
        return b64decode(key, validate=True)
    return b""


SIGNING: Final[dict[str, Callable[[Case], str]]] = {
    "too_long": lambda _: (
        f"The token is longer than {MAX_TOKEN_BYTES} characters: remove large claims from it, such as pictures."
    ),
    "malformed": _malformed,
    "alg_not_allowed": _algorithm,
    "no_kid": lambda _: (
        f"The token does not name its key (`kid`), but every token of a stock Better Auth does: {GET_A_TOKEN}."
    ),
    "extension_not_supported": lambda _: (
        "The header of the token has `crit`, `b64` or `zip`, which are not supported: sign it without them."
    ),
    "unknown_kid": _unknown_key,
    "type_not_allowed": _type,
    "bad_signature": _signature,
}
