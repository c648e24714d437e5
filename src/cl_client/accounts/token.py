"""What the client has to know of a token: how long it is good. Whether it is genuine is the server's affair."""

from __future__ import annotations

import base64
import json
import math
from typing import Final, Self, cast

from attrs import field, frozen

MARGIN: Final = 60.0
"""With fewer seconds left, a token is changed for a newer one before it is used."""
EARLY: Final = (0.5, 0.6)
"""The share of its life after which a token is changed beside the work; a point in between, so that clients that
logged in together do not come back together."""


@frozen
class Token:
    """A token and its lifetime on the server. Clocks of two machines are never compared.

    Attributes:
        text: The token in requests.
        received_at: The time of its arrival, in seconds of the local clock.
        lifetime: Seconds after its arrival. `None` if it is unknown.
    """

    text: str = field(repr=False)
    received_at: float
    lifetime: float | None

    @classmethod
    def received(cls, text: str, expires_in: object, now: float) -> Self:
        """A token that has just arrived, with the lifetime in any form that the server sends."""
        return cls(text, now, _seconds(expires_in) or _lifetime(text, now))

    def is_due(self, now: float, share: float) -> bool:
        """Whether this share of its lifetime has passed."""
        return self.lifetime is not None and now - self.received_at >= self.lifetime * share

    def is_ending(self, now: float) -> bool:
        """Whether less than `MARGIN` is left, or half of a short lifetime. Also true if the clock was set back, because
        the rest is unknown then."""
        if self.lifetime is None:
            return False
        age = now - self.received_at
        return age < 0 or self.lifetime - age < min(MARGIN, self.lifetime / 2)


def _lifetime(text: str, now: float) -> float | None:
    """From the claims of a JWT (RFC 7519 §4.1); `None` for what is none, or does not say."""
    claims = _claims(text)
    expires = _seconds(claims.get("exp"))
    if expires is None:
        return None
    return max(0.0, expires - (_seconds(claims.get("iat")) or now))


def _claims(text: str) -> dict[str, object]:
    try:
        payload = text.split(".")[1]
        claims = cast("object", json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (IndexError, ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", claims) if isinstance(claims, dict) else {}


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
