"""Where a server that only checks tokens has its keys from: the auth server, or a file."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm
from pydantic import BaseModel, JsonValue, ValidationError

from cl_server.http.tokens import KeysUnavailableError
from cl_server.settings_error import SettingsError

# Seconds. A key that the auth server gave up is believed for this much longer.
FRESH = 60.0
# Tokens with invented keys cause no more requests than this.
PAUSE = 1.0
TIMEOUT = 3.0
LARGEST = 1 << 20

Keys: TypeAlias = dict[str, EllipticCurvePublicKey]


class KeySourceError(SettingsError):
    """Settings from which no key can be had."""


class KeySet(BaseModel):
    """A JSON Web Key Set (RFC 7517 §5)."""

    keys: list[dict[str, JsonValue]]


class AuthServerKeys:
    """The keys of the auth server at `url`, requested when they are needed, and cached."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise KeySourceError(f"AUTH_URL {url!r} is not the address of a server: write http://host:port")
        self._url = url
        self._secure = parts.scheme == "https"
        self._host = parts.netloc.rpartition("@")[2]
        self._path = f"{parts.path.rstrip('/')}/auth/jwks"
        self._clock = clock
        self._keys: Keys = {}
        self._asked = float("-inf")
        self._failure = ""
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None) -> EllipticCurvePublicKey | None:
        """The key of this id, which the auth server may have made a moment ago."""
        key = self._keys.get(kid or "")
        if key is not None and self._clock() - self._asked < FRESH:
            return key
        await self._refresh()
        key = self._keys.get(kid or "")
        if key is None and self._failure:
            raise KeysUnavailableError(self._failure)
        return key

    async def _refresh(self) -> None:
        """Ask once for all who wait."""
        came = self._clock()
        async with self._lock:
            if self._asked >= came:
                return
            await asyncio.sleep(max(self._asked + PAUSE - self._clock(), 0))
            self._asked = self._clock()
            try:
                self._keys = await asyncio.to_thread(self._fetch)
                self._failure = ""
            except (OSError, ValueError, http.client.HTTPException) as error:
                # Known keys stay: the auth server may be unavailable for a while, and tokens expire.
                self._failure = f"the auth server {self._url} doesn't return its keys: {error or 'no response'}"

    def _fetch(self) -> Keys:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, timeout=TIMEOUT)
        try:
            connection.request("GET", self._path)
            response = connection.getresponse()
            content = response.read(LARGEST)
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(f"it answers {response.status}")
        return parse(content)


class KeyFile:
    """One public key in a PEM file, for tokens of any key id."""

    def __init__(self, path: Path) -> None:
        try:
            key = load_pem_public_key(path.read_bytes())
        except OSError as error:
            raise KeySourceError(f"the key {path} cannot be read: {error.strerror}") from None
        except (ValueError, UnsupportedAlgorithm):
            raise KeySourceError(f"{path} is not a public key in PEM") from None
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise KeySourceError(f"the key {path} is not on the curve P-256, which ES256 needs")
        self._key = key

    async def find(self, kid: str | None) -> EllipticCurvePublicKey:
        """The key."""
        del kid
        return self._key


def parse(content: bytes) -> Keys:
    """The keys for ES256 in a JSON Web Key Set, by their id. Raises `ValueError` for invalid sets."""
    try:
        listed = KeySet.model_validate_json(content).keys
    except ValidationError:
        raise ValueError("it answers no JSON Web Key Set") from None
    found: Keys = {}
    for described in listed:
        kid = described.get("kid")
        if not isinstance(kid, str) or described.get("crv") != "P-256":
            continue
        try:
            key = ECAlgorithm.from_jwk(json.dumps(described))
        except jwt.InvalidKeyError:
            continue
        if isinstance(key, EllipticCurvePublicKey):
            found[kid] = key
    return found
