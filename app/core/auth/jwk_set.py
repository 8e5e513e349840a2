"""The issuer's public keys (a JWK set, RFC 7517). Each key is for one algorithm; unusable keys are skipped."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import jwt
import msgspec

from app.core.auth.tokens import InvalidToken, UnknownKey

logger = logging.getLogger(__name__)

# The `kty` and `crv` of each algorithm that Better Auth can sign with.
ALGORITHMS: Final = {
    "EdDSA": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
}
_DEFAULT_ALGORITHMS: Final = {kind: algorithm for algorithm, kind in reversed(ALGORITHMS.items())}
RSA_BITS: Final = range(2048, 8193)  # shorter keys are weak; longer ones take seconds to verify with


class InvalidJwkSet(Exception):
    """The JWK set, or a key in it, cannot be used; the message says why."""


class KeysUnavailable(Exception):
    """There are no public keys yet, or they are too old, so no token can be verified."""


class JwkSet:
    """The public keys of an issuer, by `kid`. `jwks` has them as they were published."""

    def __init__(self, jwks: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.jwks = dict(jwks or {})
        self._keys = {kid: jwt.PyJWK(key, _algorithm_of(key)) for kid, key in self.jwks.items()}

    def candidates(self, algorithm: str, key_id: object) -> Sequence[jwt.PyJWK]:
        """Return the one key with this `kid`, or raise InvalidToken; an empty set raises KeysUnavailable."""
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
    """Return the usable keys of a JWK set in JSON. Different keys with the same `kid` are skipped.

    Raises:
        InvalidJwkSet: the body is not a JWK set, or has no usable key.
    """
    try:
        members = msgspec.json.decode(body, type=_JwkSetBody).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidJwkSet("the response is not a JWK set") from None
    keys: dict[str, dict[str, Any]] = {}
    clashing = set()
    for jwk in _usable(members):
        if keys.setdefault(jwk["kid"], jwk) != jwk:
            clashing.add(jwk["kid"])
    if clashing:
        logger.error("skipped %d key ids that have several different keys", len(clashing))
    found = {kid: key for kid, key in keys.items() if kid not in clashing}
    if not found:
        raise InvalidJwkSet(f"none of the {len(members)} keys in the set can be used")
    return JwkSet(found)


class _JwkSetBody(msgspec.Struct):
    keys: list[Any]


class _Jwk(msgspec.Struct):
    # Checked before PyJWT builds the key. `d`, `p` and `k` are private parts, which a key must not have.

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
            # PyJWT's message repeats the key, which may be a private one. Log only the type of the error.
            reason = type(error).__name__ if isinstance(error, jwt.PyJWTError) else error
            logger.warning("skipped key number %d of the JWK set: %s", position + 1, reason)
        else:
            yield jwk


def _check_jwk(jwk: Any) -> None:
    described = msgspec.convert(jwk, _Jwk)
    algorithm = _algorithm_of(jwk)
    if ALGORITHMS.get(algorithm) != (described.kty, described.crv):
        raise InvalidJwkSet("its `alg` does not match its `kty` and `crv`")
    if described.key_ops is not None and "verify" not in described.key_ops:
        raise InvalidJwkSet("its `key_ops` does not have `verify`")
    key = jwt.PyJWK(jwk, algorithm).key
    if described.kty == "RSA" and key.key_size not in RSA_BITS:
        raise InvalidJwkSet(f"its size is {key.key_size} bits, not {RSA_BITS.start} to {RSA_BITS.stop - 1}")


def _algorithm_of(key: Mapping[str, Any]) -> str:
    return key.get("alg") or _DEFAULT_ALGORITHMS.get((key["kty"], key.get("crv")), "")
