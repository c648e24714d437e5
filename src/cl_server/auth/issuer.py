"""Makes tokens."""

from collections.abc import Callable

import jwt

from cl_server.auth.keys import KeyRing
from cl_server.auth.schemas import TokenResponse
from cl_server.auth.users import User
from cl_server.clock import TwoClocks
from cl_server.http.tokens import ALGORITHM
from cl_server.settings import Audience


class Issuer:
    """Signs tokens with the current claims of a user, valid for `lifetime` seconds."""

    def __init__(
        self,
        ring: KeyRing,
        audience: Audience,
        lifetime: int,
        clock: Callable[[], tuple[float, float]] | None = None,
    ) -> None:
        self._ring = ring
        self._audience = audience
        self._lifetime = lifetime
        self._clock = clock or TwoClocks()

    def issue(self, user: User) -> TokenResponse:
        """A token for a user."""
        # Servers whose clock is right have to believe it, whichever of ours is.
        earlier, later = self._clock()
        key = self._ring.signing()
        claims = {
            "iss": self._audience.issuer,
            "aud": self._audience.audience,
            "sub": str(user.id),
            "iat": int(earlier),
            "exp": int(later) + self._lifetime,
            "id": user.id,
            "permissions": list(user.permissions),
            "is_admin": user.is_admin,
            "session": user.session,
        }
        token = jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid})
        return TokenResponse(access_token=token, expires_in=self._lifetime)
