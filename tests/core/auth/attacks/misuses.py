"""Tokens that are well signed and say the wrong thing, and headers that carry a good one in a wrong way."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from tests.core.auth.attacks.forgeries import Attack
from tests.parts.issuer import Pair

_NO_TIMES: Final = (
    *(
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "-Infinity",
        "-1",
        "true",
        "false",
        "null",
        '""',
        '"soon"',
        "[]",
        "{}",
        "[1]",
    ),
    *(f'"{int(time.time()) + 900}"', "9" * 400, "253402300800", "1e15", "4e12"),
)
_NO_SUBJECTS: Final = (
    *("null", "true", "1", "1.5", "[]", "{}", '["alice"]', '{"id":"alice"}', '""', '" "', '"\\t"', '"\\u0000"'),
    *('"alice\\u0000"', '"\\ud800"', '"alice\\n"', '"\\u202ealice"', '"\\u200b"', '"alice\\u2028"', '"\\ufeffalice"'),
    f'"{"a" * 256}"',
)
_IDENTITIES: Final = ("userId", "user_id", "uid", "id", "email", "SUB", "Sub", "sub ", "username", "preferred_username")


def claims_with(origin: str, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good token with some changed; None takes one away."""
    now = int(time.time())
    merged = {"sub": "alice", "iat": now, "exp": now + 900, "iss": origin, "aud": origin, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def times(signer: Pair, origin: str) -> Iterator[Attack]:
    """Times that are over, are yet to come, or are none."""
    header, now = json.dumps({"alg": signer.algorithm, "kid": signer.kid}), time.time()
    for claim in ("exp", "iat", "nbf"):
        rest = json.dumps(claims_with(origin, **{claim: None}))[1:]
        for value in _NO_TIMES:
            yield f"{claim} {value[:20]}", signer.sign_text(header, f'{{"{claim}":{value},{rest}')
    wrong: dict[str, dict[str, Any]] = {
        "no exp": {"exp": None},
        "expired": {"exp": now - 1},
        "expired long ago": {"exp": 0},
        "issued in an hour": {"iat": now + 3600},
        "not before in an hour": {"nbf": now + 3600},
        "issued in two minutes": {"iat": now + 120},
    }
    for name, changes in wrong.items():
        yield name, signer.sign_text(header, json.dumps(claims_with(origin, **changes)))


def subjects(signer: Pair, origin: str) -> Iterator[Attack]:
    """Nobody, in `sub`, and somebody in a claim that is no identity."""
    header = json.dumps({"alg": signer.algorithm, "kid": signer.kid})
    rest = json.dumps(claims_with(origin, sub=None))[1:]
    for value in _NO_SUBJECTS:
        yield f"sub {value[:20]!a}", signer.sign_text(header, f'{{"sub":{value},{rest}')
    for claim in _IDENTITIES:
        yield f"only {claim!r}", signer.sign_text(header, json.dumps(claims_with(origin, sub=None) | {claim: "alice"}))
    user = {"user": {"id": "alice"}, "session": {"userId": "alice", "token": "t"}}
    yield "a session cookie", signer.sign_text(header, json.dumps(claims_with(origin, sub=None) | user))
    for text in ("[]", "null", '"alice"', "1", "", "{", "{}", "alice", f"{{{rest}{{{rest}", "[" * 4000):
        yield f"payload {text[:20]!a}", signer.sign_text(header, text)


def origins(signer: Pair, origin: str) -> Iterator[Attack]:
    """For others, or by others: the audience and the issuer are compared to the letter."""
    header = json.dumps({"alg": signer.algorithm, "kid": signer.kid})
    wrong: list[Any] = [
        None,
        "",
        f"{origin}/",
        origin.upper(),
        origin[:-1],
        f"{origin}0",
        f" {origin}",
        "*",
        "null",
        0,
        True,
        {},
    ]
    wrong += [
        [],
        [[origin]],
        [f"{origin}/"],
        {"0": origin},
        origin.replace("http", "https"),
        "better-auth:session-cache",
    ]
    for claim, values in (("aud", wrong), ("iss", [*wrong, [origin]])):
        for value in values:
            yield f"{claim} {value}", signer.sign_text(header, json.dumps(claims_with(origin, **{claim: value})))


def envelopes(token: str) -> Iterator[Attack]:
    """A good token, sent in every way but the right one; the whole header is what is given."""
    head, payload, signature = token.split(".")
    flat = json.dumps({"protected": head, "payload": payload, "signature": signature})
    for form in (
        *("", " ", "Bearer", "Bearer ", "Bearer  ", "{}", "Basic {}", "JWT {}", "Token {}", "Digest {}", "XBearer {}"),
        *(
            "Bearer{}",
            "Bearer:{}",
            "Bearer: {}",
            "Bearer\t{}",
            'Bearer "{}"',
            "Bearer '{}'",
            "Bearer <{}>",
            "Bearer {};",
        ),
        *(
            "Bearer {},",
            "Bearer {}, Bearer {}",
            "Bearer {} {}",
            "Bearer Bearer {}",
            "Bearer {}\0",
            "Bearer {}=",
            "Bearer .{}",
        ),
        *(
            "Bearer {}.",
            "Bearer {}.AAAA",
            "Bearer token={}",
            "Bearer {}\x7f",
            "Bearer %s",
            "Bearer {}%00",
            "Bearer {}/",
        ),
        *(
            "Bearer undefined",
            "Bearer null",
            "Bearer [object Object]",
            "Bearer a.b.c.d.e",
            "Bearer ..",
            "Bearer .",
            "Bearer ...",
        ),
    ):
        yield form, form.replace("{}", token)
    yield "JSON", f"Bearer {flat}"
    yield "huge", f"Bearer {token}{'A' * 20_000}"
    yield "huge and no token", f"Bearer {'A' * 60_000}"
    yield "thousands of dots", f"Bearer {'.' * 5_000}"
