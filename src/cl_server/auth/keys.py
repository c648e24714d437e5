"""The keys for tokens: files in a folder. The newest one signs, and older ones still verify."""

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from cl_extras import whole_file
from cl_server import file_lock
from cl_server.auth.schemas import JsonWebKey
from cl_server.clock import now_ms

DAY = 24 * 3600


class KeyFileError(Exception):
    """A key file that must not be used; one line."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key on P-256. `created` is in UTC milliseconds; `kid` is its RFC 7638 thumbprint."""

    private: ec.EllipticCurvePrivateKey
    created: int
    kid: str

    @property
    def public_pem(self) -> str:
        """The public half."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def jwk(self) -> JsonWebKey:
        """The public half as RFC 7517 writes it."""
        point = _coordinates(self.private.public_key())
        return JsonWebKey(x=point["x"], y=point["y"], kid=self.kid)


class KeyRing:
    """The keys of a folder. `verify_for` is how long, in seconds, a key verifies after its successor has come;
    `sign_for` is how long one signs before the next is made."""

    def __init__(
        self,
        folder: Path,
        *,
        verify_for: float = DAY,
        sign_for: float = 90 * DAY,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._folder = folder
        self._verify_for = verify_for
        self._sign_for = sign_for
        self._clock = clock
        self._loaded: tuple[int, tuple[SigningKey, ...]] = (0, ())
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self.signing()

    def signing(self) -> SigningKey:
        """The key to sign with."""
        keys = self._keys()
        if not keys or keys[-1].created + self._sign_for * 1000 < self._clock():
            return self._add(unless_newer_than=keys[-1].created if keys else 0)
        return keys[-1]

    def verifying(self) -> list[SigningKey]:
        """The keys whose tokens may still be in use, newest first."""
        keys = self._keys()
        successors = [key.created for key in keys[1:]]
        current = [
            key
            for key, successor in zip(keys, successors, strict=False)
            if successor + self._verify_for * 1000 >= self._clock()
        ]
        return [*keys[-1:], *reversed(current)]

    async def find(self, kid: str | None) -> ec.EllipticCurvePublicKey | None:
        """One of them by its id."""
        return next((key.private.public_key() for key in self.verifying() if key.kid == kid), None)

    def rotate(self) -> SigningKey:
        """Make a new key, which signs from now on, and remove those that verify no longer."""
        return self._add(unless_newer_than=None)

    def _add(self, unless_newer_than: int | None) -> SigningKey:
        with (self._folder / "lock").open("w") as lock:
            file_lock.wait_for(lock)
            keys = self._read()
            # Two processes that find the ring empty make one key.
            if unless_newer_than is not None and keys and keys[-1].created > unless_newer_than:
                return keys[-1]
            # Keys are put in order by their time, so no two have the same one.
            created = max(self._clock(), keys[-1].created + 1 if keys else 0)
            private = ec.generate_private_key(ec.SECP256R1())
            _write(self._folder / f"{created}.pem", private)
            # The modification time of the folder is too coarse to show a change that was just made.
            self._loaded = (0, ())
            current = {key.created for key in self.verifying()}
            for key in keys:
                if key.created not in current:
                    (self._folder / f"{key.created}.pem").unlink()
        return SigningKey(private, created, _thumbprint(private.public_key()))

    def _keys(self) -> tuple[SigningKey, ...]:
        """Read the folder, to which another process may have added a key."""
        changed = self._folder.stat().st_mtime_ns
        if self._loaded[0] != changed:
            self._loaded = (changed, self._read())
        return self._loaded[1]

    def _read(self) -> tuple[SigningKey, ...]:
        files = [path for path in self._folder.glob("*.pem") if path.stem.isdecimal()]
        return tuple(_read(path) for path in sorted(files, key=lambda path: int(path.stem)))


def _write(path: Path, private: ec.EllipticCurvePrivateKey) -> None:
    """Write the whole file or nothing, and never readable by other users."""
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    whole_file.write(path, content, mode=whole_file.PRIVATE, durable=True)


def _read(path: Path) -> SigningKey:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & 0o077:
            raise KeyFileError(f"the key {path} can be read by others (mode {mode & 0o777:o}): chmod 600, or remove it")
        content = file.read()
    try:
        private = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} is not a private key in PEM") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise KeyFileError(f"the key {path} is not on the curve P-256, which ES256 needs")
    return SigningKey(private, int(path.stem), _thumbprint(private.public_key()))


def _thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    members = {"crv": "P-256", "kty": "EC", **_coordinates(key)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64(hashlib.sha256(canonical.encode()).digest())


def _coordinates(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"x": _base64(numbers.x.to_bytes(32, "big")), "y": _base64(numbers.y.to_bytes(32, "big"))}


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
