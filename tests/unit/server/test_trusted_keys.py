import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cl_server.auth.keys import KeyRing
from cl_server.compute.process import make_verifier
from cl_server.http import trusted_keys
from cl_server.http.tokens import KeysUnavailableError
from cl_server.http.trusted_keys import AuthServerKeys, KeyFile, KeySourceError, parse
from cl_server.settings import Settings


class KeyServer:
    """An auth server that only has keys, and counts how often it is asked."""

    def __init__(self, ring: KeyRing) -> None:
        self.asked = 0
        self.status = 200
        self.ring = ring
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                keys = [key.jwk.model_dump() for key in outer.ring.verifying()] if self.path == "/auth/jwks" else None
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": keys}).encode())

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.http.shutdown()
        self._thread.join()
        self.http.server_close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServer]:
    monkeypatch.setattr(trusted_keys, "PAUSE", 0.05)
    running = KeyServer(KeyRing(tmp_path / "keys"))
    yield running
    running.stop()


async def test_keys_are_asked_for_once(server: KeyServer) -> None:
    keys = AuthServerKeys(server.url)
    kid = server.ring.signing().kid
    assert server.asked == 0
    found = await asyncio.gather(*(keys.find(kid) for _ in range(20)))
    assert None not in found
    assert server.asked == 1


async def test_a_key_that_was_made_a_moment_ago_is_found(server: KeyServer) -> None:
    keys = AuthServerKeys(server.url)
    await keys.find(server.ring.signing().kid)
    assert await keys.find(server.ring.rotate().kid) is not None
    assert server.asked == 2


async def test_made_up_keys_do_not_make_many_questions(server: KeyServer) -> None:
    keys = AuthServerKeys(server.url)
    assert await asyncio.gather(*(keys.find(f"made up {number}") for number in range(50))) == [None] * 50
    assert server.asked == 1
    assert await keys.find(None) is None


async def test_what_is_known_stays_known_while_the_auth_server_is_away(server: KeyServer) -> None:
    now = [0.0]
    keys = AuthServerKeys(server.url, clock=lambda: now[0])
    kid = server.ring.signing().kid
    await keys.find(kid)
    server.status = 500
    now[0] += trusted_keys.FRESH + 1
    assert await keys.find(kid) is not None
    now[0] += trusted_keys.PAUSE
    with pytest.raises(KeysUnavailableError, match="doesn't return its keys: it answers 500"):
        await keys.find("another")
    server.status = 200
    now[0] += trusted_keys.PAUSE
    assert await keys.find("another") is None


async def test_a_key_that_was_given_up_is_believed_no_longer(server: KeyServer, tmp_path: Path) -> None:
    now = [0.0]
    keys = AuthServerKeys(server.url, clock=lambda: now[0])
    old = server.ring.signing().kid
    assert await keys.find(old) is not None
    server.ring = KeyRing(tmp_path / "others")
    now[0] += trusted_keys.FRESH + 1
    assert await keys.find(old) is None


async def test_nothing_is_known_where_the_auth_server_never_was() -> None:
    keys = AuthServerKeys("http://127.0.0.1:1/base")
    with pytest.raises(
        KeysUnavailableError, match=r"the auth server http://127\.0\.0\.1:1/base doesn't return its keys"
    ):
        await keys.find("any")


def test_only_keys_for_es256_are_taken(tmp_path: Path) -> None:
    good = KeyRing(tmp_path).signing().jwk.model_dump()
    odd = [{**good, "kid": 1}, {**good, "crv": "P-384"}, {**good, "x": "!"}, {"kty": "oct", "k": "AA", "kid": "a"}]
    assert list(parse(json.dumps({"keys": [good, *odd]}).encode())) == [good["kid"]]
    for broken in (b"", b"[]", b'{"keys": 1}', b'{"keys": [1]}'):
        with pytest.raises(ValueError, match="no JSON Web Key Set"):
            parse(broken)


async def test_a_file_holds_one_key_for_every_id(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(KeyRing(tmp_path / "keys").signing().public_pem)
    assert make_verifier(Settings(tmp_path, auth_key=tmp_path / "key.pem")) is not None
    keys = KeyFile(tmp_path / "key.pem")
    assert await keys.find("any") is await keys.find(None)


def test_settings_without_a_key_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(KeySourceError, match="cannot be read: No such file"):
        KeyFile(path)
    path.write_text("words")
    with pytest.raises(KeySourceError, match="is not a public key in PEM"):
        KeyFile(path)
    public = rsa.generate_private_key(65537, 2048).public_key()
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(KeySourceError, match="not on the curve P-256"):
        KeyFile(path)
    with pytest.raises(KeySourceError, match="is not the address of a server"):
        AuthServerKeys("localhost:8000")
    assert make_verifier(Settings(tmp_path)) is None
