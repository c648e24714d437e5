import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt import PyJWK

from cl_server.auth.keys import KeyFileError, KeyRing
from cl_server.clock import now_ms


class Clock:
    """UTC milliseconds, as a test likes them."""

    def __init__(self) -> None:
        self.now = now_ms()

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.pem"))


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    KeyRing(tmp_path / "keys")
    (file,) = files(tmp_path / "keys")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not [path for path in file.parent.iterdir() if path.name.startswith(".")]


def test_a_key_stays_the_same(tmp_path: Path) -> None:
    assert KeyRing(tmp_path).signing().kid == KeyRing(tmp_path).signing().kid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    KeyRing(tmp_path)
    files(tmp_path)[0].chmod(mode)
    with pytest.raises(KeyFileError, match=rf"can be read by others \(mode {mode:o}\): chmod 600"):
        KeyRing(tmp_path)


def test_what_is_not_a_key_for_es256_is_refused(tmp_path: Path) -> None:
    def write(content: bytes) -> None:
        (tmp_path / "1.pem").touch(0o600)
        (tmp_path / "1.pem").write_bytes(content)

    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write(b"words")
    with pytest.raises(KeyFileError, match="is not a private key in PEM"):
        KeyRing(tmp_path)
    for private in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        write(private.private_bytes(*pem))
        with pytest.raises(KeyFileError, match="not on the curve P-256"):
            KeyRing(tmp_path)


def test_the_newest_signs_and_the_older_verify_until_their_tokens_have_expired(tmp_path: Path) -> None:
    clock = Clock()
    ring = KeyRing(tmp_path, verify_for=60, clock=clock)
    first = ring.signing()
    clock.forward(10)
    second = ring.rotate()
    assert ring.signing().kid == second.kid != first.kid
    assert [key.kid for key in ring.verifying()] == [second.kid, first.kid]
    clock.forward(61)
    assert [key.kid for key in ring.verifying()] == [second.kid]
    third = ring.rotate()
    assert [key.kid for key in ring.verifying()] == [third.kid, second.kid]
    assert len(files(tmp_path)) == 2


def test_a_key_is_replaced_when_it_is_old(tmp_path: Path) -> None:
    clock = Clock()
    ring = KeyRing(tmp_path, sign_for=100, clock=clock)
    first = ring.signing()
    clock.forward(99)
    assert ring.signing().kid == first.kid
    clock.forward(2)
    assert ring.signing().kid != first.kid


def test_a_ring_sees_what_another_process_adds(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "auth" / "keys")
    first = ring.signing()
    said = subprocess.run(
        [sys.executable, "-m", "cl_server", "auth", "--rotate-key"],
        env={"CL_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert ring.signing().kid == said != first.kid
    assert [key.kid for key in ring.verifying()] == [said, first.kid]


async def test_a_key_is_found_by_its_id(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    assert await ring.find(ring.signing().kid) is not None
    assert await ring.find("another") is None
    assert await ring.find(None) is None


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: KeyRing(tmp_path), range(8)))
    assert len({ring.signing().kid for ring in rings}) == len(files(tmp_path)) == 1


def test_the_public_half_is_the_same_as_jwk_and_as_pem(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).signing()
    assert set(key.jwk.model_dump()) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    found = PyJWK(key.jwk.model_dump()).key
    assert found.public_numbers() == key.private.public_key().public_numbers()
    assert "PRIVATE" not in key.public_pem
