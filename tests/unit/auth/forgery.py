"""Tokens that must not be believed."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from cl_server.auth.keys import SigningKey


def part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@dataclass
class Forge:
    """What an attacker may have: a good token, and (for tokens that are signed but wrong) the key."""

    good: str
    key: SigningKey

    @property
    def claims(self) -> dict[str, object]:
        return jwt.decode(self.good, options={"verify_signature": False})

    def signed(self, header: dict[str, str] | None = None, without: str = "", **changes: object) -> str:
        """Signed with the right key, but saying something else."""
        claims = {name: value for name, value in {**self.claims, **changes}.items() if name != without}
        return jwt.encode(claims, self.key.private, "ES256", headers={"kid": self.key.kid, **(header or {})})

    def another_key(self) -> str:
        other = ec.generate_private_key(ec.SECP256R1())
        return jwt.encode(self.claims, other, "ES256", headers={"kid": self.key.kid})

    def unsigned(self, alg: str) -> str:
        return f"{part({'alg': alg, 'typ': 'JWT', 'kid': self.key.kid})}.{part(self.claims)}."

    def public_key_as_secret(self) -> str:
        """HS256, with what everybody may read as its secret. By hand, for the library refuses to make it."""
        body = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': self.key.kid})}.{part(self.claims)}"
        mac = hmac.new(self.key.public_pem.encode(), body.encode(), hashlib.sha256).digest()
        return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    def promoted(self) -> str:
        header, _, signature = self.good.split(".")
        return f"{header}.{part({**self.claims, 'is_admin': True, 'id': 1})}.{signature}"


FORGERIES: dict[str, Callable[[Forge], str]] = {
    "another key": Forge.another_key,
    "a key of its own making": lambda forge: forge.signed({"kid": "mine"}),
    "alg none": lambda forge: forge.unsigned("none"),
    "alg None": lambda forge: forge.unsigned("None"),
    "no alg": lambda forge: forge.unsigned(""),
    "public key as secret": Forge.public_key_as_secret,
    "rights added": Forge.promoted,
    "expired": lambda forge: forge.signed(exp=int(time.time()) - 60),
    "not yet": lambda forge: forge.signed(nbf=int(time.time()) + 600),
    "from the future": lambda forge: forge.signed(iat=int(time.time()) + 600),
    "another audience": lambda forge: forge.signed(aud="elsewhere"),
    "another issuer": lambda forge: forge.signed(iss="elsewhere"),
    "no expiry": lambda forge: forge.signed(without="exp"),
    "no audience": lambda forge: forge.signed(without="aud"),
    "no issuer": lambda forge: forge.signed(without="iss"),
    "no id": lambda forge: forge.signed(without="id"),
    "an id that is none": lambda forge: forge.signed(id=[1]),
    "rights that are words": lambda forge: forge.signed(is_admin="true", permissions="all"),
    "no signature": lambda forge: forge.good.rpartition(".")[0] + ".",
    "half of it": lambda forge: forge.good[: len(forge.good) // 2],
    "not a token": lambda _: "word",
    "three words": lambda _: "a.b.c",
    "bytes": lambda _: "\xff\xfe.\xff.\xff",
}
