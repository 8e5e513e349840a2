"""The verdict on a token: the verifier decides, and an explanation is chosen from the unverified content."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.core.auth.better_auth import jwks_url
from app.core.auth.jwk_set import JwkSet, KeysUnavailable
from app.core.auth.secret_keys import SecretKeys, signing_keys
from app.core.auth.tokens import InvalidToken, decode_token, read_header, validate_claims
from app.core.cli.token_diagnosis.case import Case, printable, timestamp
from app.core.cli.token_diagnosis.claims import CLAIMS
from app.core.cli.token_diagnosis.signing import SIGNING
from app.settings import Settings

SENTENCES: Final[dict[str, Callable[[Case], str]]] = {**SIGNING, **CLAIMS}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result: `reason` is the code of the refusal, as in the log; None if the token is accepted."""

    reason: str | None
    sentence: str


def diagnose(token: str, settings: Settings) -> Verdict:
    """Check a token as the application would with these settings, without any request over the network."""
    case = Case(token, settings)
    try:
        # Only the issuer has the public keys, so the signature is not checked with them; the sentence says so.
        if settings.uses_jwks:
            _check_without_signature(case)
        else:
            decode_token(token, SecretKeys(*signing_keys(settings)), case.expected)
    except InvalidToken as error:
        return Verdict(error.reason, _sentence(error.reason, case))
    return Verdict(None, _accepted(case))


def _check_without_signature(case: Case) -> None:
    header = read_header(case.token)
    with suppress(KeysUnavailable):
        JwkSet().candidates(header["alg"], header.get("kid"))
    if not case.claims:
        raise InvalidToken("malformed")
    validate_claims(case.claims, case.expected)


def _sentence(reason: str, case: Case) -> str:
    if reason not in SENTENCES:
        return "The token is refused, and there is no explanation for this code: search for the code in app/core/auth."
    return SENTENCES[reason](case)


def _accepted(case: Case) -> str:
    user = f"the user is {printable(case.claims['sub'])}, until {timestamp(case.claims['exp'])}"
    if not case.settings.uses_jwks:
        return f"The token is valid: {user}."
    key = f"the key {printable(case.header['kid'])} from {jwks_url(case.settings)}"
    return f"The claims are valid ({user}); the signature is not checked here, because that needs {key}."
