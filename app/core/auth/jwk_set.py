"""Published keys (a JWK set, RFC 7517): what is read from an issuer, which is not believed more than any other input.

Each key is bound to one algorithm, none of them to a secret's. What cannot be used is left out, and the rest counts.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import jwt
import msgspec

from app.core.auth.tokens import InvalidToken, UnknownKey

logger = logging.getLogger(__name__)

# What a key of each algorithm is: `kty` and `crv`. These are the ones that Better Auth offers.
ALGORITHMS: Final = {
    "EdDSA": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
}
_DEFAULT_ALGORITHMS: Final = {kind: algorithm for algorithm, kind in reversed(ALGORITHMS.items())}
RSA_BITS: Final = range(2048, 8193)  # shorter ones can be broken, and longer ones cost seconds of work


class InvalidJwkSet(Exception):
    """What was read is no set of keys that tokens could be checked with; the message says why."""


class KeysUnavailable(Exception):
    """There have never been keys, or not for long: nobody can say whether a token is valid."""


class JwkSet:
    """The keys of an issuer by their ids, as they were published."""

    def __init__(self, jwks: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.jwks = dict(jwks or {})
        self._keys = {kid: jwt.PyJWK(key, _algorithm_of(key)) for kid, key in self.jwks.items()}

    def candidates(self, algorithm: str, key_id: object) -> Sequence[jwt.PyJWK]:
        """Return the one key that the token names.

        Raises:
            InvalidToken: it names none, or one of another algorithm; `UnknownKey` if there is none of that name.
            KeysUnavailable: there are no keys at all.
        """
        if algorithm not in ALGORITHMS:
            raise InvalidToken("alg_not_allowed", algorithm)
        if not isinstance(key_id, str):
            raise InvalidToken("no_kid")
        if not self._keys:
            raise KeysUnavailable
        key = self._keys.get(key_id)
        if key is None:
            raise UnknownKey(key_id)
        if key.algorithm_name != algorithm:
            raise InvalidToken("alg_not_allowed", algorithm)
        return (key,)


def parse_jwk_set(body: bytes) -> JwkSet:
    """Return the usable keys of a JWK set.

    Two different keys of one id are both left out: which of them is meant nobody can tell.

    Raises:
        InvalidJwkSet: it is no set, or there is no usable key in it.
    """
    try:
        members = msgspec.json.decode(body, type=_JwkSetBody).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidJwkSet("it is no JWK set") from None
    keys: dict[str, dict[str, Any]] = {}
    clashing = set()
    for jwk in _usable(members):
        if keys.setdefault(jwk["kid"], jwk) != jwk:
            clashing.add(jwk["kid"])
    if clashing:
        logger.error("left out %d key ids that are published with different keys", len(clashing))
    found = {kid: key for kid, key in keys.items() if kid not in clashing}
    if not found:
        raise InvalidJwkSet(f"none of its {len(members)} keys can be used")
    return JwkSet(found)


class _JwkSetBody(msgspec.Struct):
    keys: list[Any]


class _Jwk(msgspec.Struct):
    """What has to be right about a key before it is worth building; `d`, `p`, `k`: it is not one to be published."""

    kid: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    kty: Literal["OKP", "EC", "RSA"]
    alg: Literal["EdDSA", "ES256", "ES512", "RS256", "PS256"] | None = None
    crv: str | None = None
    use: Literal["sig"] | None = None
    key_ops: list[str] | None = None
    d: msgspec.UnsetType = msgspec.UNSET
    p: msgspec.UnsetType = msgspec.UNSET
    k: msgspec.UnsetType = msgspec.UNSET


def _usable(members: list[Any]) -> Iterator[dict[str, Any]]:
    for position, jwk in enumerate(members):
        try:
            _check_jwk(jwk)
        except (msgspec.ValidationError, jwt.PyJWTError, InvalidJwkSet) as error:
            # Of what PyJWT says only the kind: it repeats the key, which may be a private one.
            reason = type(error).__name__ if isinstance(error, jwt.PyJWTError) else error
            logger.warning("left out key number %d of the set: %s", position + 1, reason)
        else:
            yield jwk


def _check_jwk(jwk: Any) -> None:
    described = msgspec.convert(jwk, _Jwk)
    algorithm = _algorithm_of(jwk)
    if ALGORITHMS.get(algorithm) != (described.kty, described.crv):
        raise InvalidJwkSet("its algorithm and its kind do not belong together")
    if described.key_ops is not None and "verify" not in described.key_ops:
        raise InvalidJwkSet("it is not meant to verify with")
    key = jwt.PyJWK(jwk, algorithm).key
    if described.kty == "RSA" and key.key_size not in RSA_BITS:
        raise InvalidJwkSet(f"it has {key.key_size} bits")


def _algorithm_of(key: Mapping[str, Any]) -> str:
    return key.get("alg") or _DEFAULT_ALGORITHMS.get((key["kty"], key.get("crv")), "")
