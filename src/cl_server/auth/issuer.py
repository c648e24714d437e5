"""Makes tokens."""

import time

import jwt

from cl_server.auth.keys import KeyRing
from cl_server.auth.schemas import TokenResponse
from cl_server.auth.users import User
from cl_server.http.tokens import ALGORITHM
from cl_server.settings import Audience


class Issuer:
    """Signs what is true of a user now, for `lifetime` seconds."""

    def __init__(self, ring: KeyRing, audience: Audience, lifetime: int) -> None:
        self._ring = ring
        self._audience = audience
        self._lifetime = lifetime

    def issue(self, user: User) -> TokenResponse:
        """A token for a user."""
        now = int(time.time())
        key = self._ring.signing()
        claims = {
            "iss": self._audience.issuer,
            "aud": self._audience.audience,
            "sub": str(user.id),
            "iat": now,
            "exp": now + self._lifetime,
            "id": user.id,
            "permissions": list(user.permissions),
            "is_admin": user.is_admin,
            "session": user.session,
        }
        token = jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid})
        return TokenResponse(access_token=token, expires_in=self._lifetime)
