"""Reads and verifies tokens (JWT, RFC 7519, signed with ES256)."""

from collections.abc import Callable
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from pydantic import BaseModel, Field, FiniteFloat, StrictBool, StrictInt, StrictStr, ValidationError

from cl_server.clock import TwoClocks
from cl_server.settings import Audience

ALGORITHM = "ES256"
REQUIRED = ("exp", "iat", "iss", "aud", "id", "permissions", "is_admin")
# Clocks of two machines differ by this much, in seconds.
LEEWAY = 5.0


class TokenError(Exception):
    """A token that is not believed; one line that says why, without the token."""


class KeysUnavailableError(Exception):
    """The keys are unavailable, so the token can't be verified. The message is one line."""


class Claims(BaseModel):
    """What our servers read in a token. `session` changes when tokens that were given out shall not be renewed."""

    id: StrictInt | StrictStr
    permissions: list[StrictStr]
    is_admin: StrictBool
    session: StrictInt = 0
    # Seconds since 1970 (RFC 7519 §2, NumericDate).
    exp: FiniteFloat = Field(strict=True)
    iat: FiniteFloat = Field(strict=True)
    nbf: FiniteFloat = Field(default=0, strict=True)


class Keys(Protocol):
    """Public keys by their id."""

    async def find(self, kid: str | None) -> EllipticCurvePublicKey | None:
        """The key with this id, or `None`. Raises `KeysUnavailableError`."""
        ...


class Verifier:
    """Believes tokens that were signed with one of the keys, for this audience, and have not expired."""

    def __init__(self, keys: Keys, audience: Audience, clock: Callable[[], tuple[float, float]] | None = None) -> None:
        self._keys = keys
        self._audience = audience
        self._clock = clock or TwoClocks()

    async def verify(self, token: str) -> Claims:
        """What the token says. Raises `TokenError` and `KeysUnavailableError`."""
        try:
            header: dict[str, object] = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise TokenError("the token cannot be read") from None
        # Never the header's choice (RFC 8725 §3.1): `none`, or HS256 with the public key as its secret.
        if header.get("alg") != ALGORITHM:
            raise TokenError(f"the token is not signed with {ALGORITHM}")
        kid = header.get("kid")
        key = await self._keys.find(kid if isinstance(kid, str) else None)
        if key is None:
            raise TokenError("the token is signed with a key that is not known here")
        return self._claims(token, key)

    def _claims(self, token: str, key: EllipticCurvePublicKey) -> Claims:
        try:
            decoded: dict[str, object] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience.audience,
                issuer=self._audience.issuer,
                # By our clocks, below.
                options={"require": list(REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            claims = Claims.model_validate(decoded)
        except jwt.InvalidSignatureError:
            raise TokenError("the signature of the token is wrong") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise TokenError("the token is not meant for this server") from None
        except jwt.MissingRequiredClaimError as error:
            raise TokenError(f"the token does not say {error.claim}") from None
        except (jwt.InvalidTokenError, ValidationError):
            raise TokenError("the token lacks a required claim") from None
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Claims) -> None:
        """A token is valid by either clock. Otherwise, setting the clock would log out all users."""
        earlier, later = self._clock()
        if claims.exp <= earlier - LEEWAY:
            raise TokenError("the token has expired: log in again")
        if max(claims.iat, claims.nbf) > later + LEEWAY:
            raise TokenError("the token lacks a required claim")
