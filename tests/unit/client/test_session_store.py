"""Where a session is kept, and who can read it."""

import json
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest
from attrs import evolve
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from cl_client import ComputeClientError
from cl_client.accounts.session_store import Session, SessionStore
from cl_client.accounts.token import Token
from cl_client.config.paths import state_folder

ALICE = Session(auth_url="http://auth:8000", username="alice", token=Token("t0ken", 1.5, 1800), logged_in_at=1)


class FakeKeyring(KeyringBackend):
    """A keyring in memory, which can be locked."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        self.held[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.held.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


@pytest.fixture
def fake_keyring() -> Iterator[FakeKeyring]:
    before, fake = keyring.get_keyring(), FakeKeyring()
    keyring.set_keyring(fake)
    yield fake
    keyring.set_keyring(before)


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "state" / "sessions")


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "state" / "sessions").iterdir() if path.suffix == ".json"]


def test_without_a_keyring_the_token_is_in_a_file_for_its_owner_alone(store: SessionStore, tmp_path: Path):
    where = store.save(ALICE)
    (file,) = files(tmp_path)
    assert where == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert store.load("http://auth:8000") == ALICE


def test_a_folder_that_was_open_to_others_is_closed(store: SessionStore, tmp_path: Path):
    (tmp_path / "state" / "sessions").mkdir(parents=True, mode=0o755)
    store.save(ALICE)
    assert stat.S_IMODE((tmp_path / "state" / "sessions").stat().st_mode) == 0o700


def test_each_user_of_each_server_has_a_session_and_the_last_login_counts(store: SessionStore):
    bob = evolve(ALICE, username="bob", token=Token("bob's", 2, None), logged_in_at=2)
    other = evolve(ALICE, auth_url="http://other", logged_in_at=3)
    for session in (bob, other, ALICE):
        store.save(session)
    assert store.load("http://auth:8000") == bob
    assert store.load("http://auth:8000", "ALICE") == ALICE
    assert store.load("http://other", "alice") == other
    assert store.load("http://other", "bob") is None
    store.forget(bob)
    assert store.load("http://auth:8000") == ALICE
    store.forget(bob)


def test_the_keyring_has_the_token_where_there_is_one(store: SessionStore, tmp_path: Path, fake_keyring: FakeKeyring):
    assert store.save(ALICE) == "the system keyring"
    (file,) = files(tmp_path)
    assert "t0ken" not in file.read_text()
    assert store.load("http://auth:8000", "Alice") == ALICE
    store.forget(ALICE)
    assert fake_keyring.held == {}
    assert files(tmp_path) == []


def test_a_keyring_that_takes_nothing_is_one_that_is_not_there(
    store: SessionStore, tmp_path: Path, fake_keyring: FakeKeyring
):
    fake_keyring.locked = True
    assert store.save(ALICE) == str(files(tmp_path)[0])
    assert store.load("http://auth:8000") == ALICE


def test_a_keyring_that_gives_nothing_back_is_one_that_is_not_there(
    store: SessionStore, tmp_path: Path, fake_keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(FakeKeyring, "set_password", lambda *_: None)
    assert store.save(ALICE) == str(files(tmp_path)[0])
    assert store.load("http://auth:8000") == ALICE


def unreadable(store: SessionStore, username: str | None = None) -> str:
    with pytest.raises(ComputeClientError, match="cannot be read") as error:
        store.load("http://auth:8000", username)
    assert "--no-auth" in str(error.value.hint)
    return str(error.value)


@pytest.mark.parametrize("username", [None, "alice"])
def test_a_keyring_that_is_locked_later_is_named(store: SessionStore, fake_keyring: FakeKeyring, username: str | None):
    store.save(ALICE)
    fake_keyring.locked = True
    said = unreadable(store, username)
    assert "keyring does not give the token of alice (locked)" in said
    assert "t0ken" not in said
    fake_keyring.locked = False
    fake_keyring.held.clear()
    assert "no token of alice any more" in unreadable(store, username)
    keyring.set_keyring(keyring.backends.fail.Keyring())
    assert "there is none now" in unreadable(store, username)


def without(key: str, **values: object) -> bytes:
    record = {
        "auth_url": "http://auth:8000", "username": "alice", "logged_in_at": 1, "received_at": 1, "lifetime": 9,
        "token": "t0ken",
    }  # fmt: skip
    return json.dumps({name: value for name, value in {**record, **values}.items() if name != key}).encode()


DAMAGED = [
    b"", b"{", b"[]", b"{}", b"null", b'{"token": 1}', b"\xff\xfe", b"[" * 100_000, without("token"),
    without("lifetime"), without("", token=7), without("", token=""), without("", token="a b"),
    without("", received_at="1"), without("", received_at=float("nan")), without("", lifetime=True),
    without("", auth_url="http://other"), without("", username="bob"),
]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED)
def test_a_file_that_is_damaged_is_named_until_somebody_logs_in(store: SessionStore, tmp_path: Path, content: bytes):
    store.save(ALICE)
    (file,) = files(tmp_path)
    file.write_bytes(content)
    assert str(file) in unreadable(store)
    assert str(file) in unreadable(store, "alice")
    bob = evolve(ALICE, username="bob", logged_in_at=time.time() + 1)
    store.save(bob)
    # Who logged in after that is known.
    assert store.load("http://auth:8000") == bob
    assert store.load("http://auth:8000", "bob") == bob
    store.save(ALICE)
    assert store.load("http://auth:8000", "alice") == ALICE


def test_sessions_that_are_no_files_are_named(store: SessionStore, tmp_path: Path):
    store.save(ALICE)
    (file,) = files(tmp_path)
    file.unlink()
    file.mkdir()
    assert str(file) in unreadable(store)
    shutil.rmtree(file.parent)
    assert store.load("http://auth:8000") is None
    file.parent.write_bytes(b"")
    assert str(file.parent) in unreadable(store)


def test_a_place_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ComputeClientError, match="cannot keep the session in "):
        SessionStore(tmp_path / "file" / "sessions").save(ALICE)


def test_the_usual_place_is_the_state_folder_of_the_user(tmp_path: Path):
    assert state_folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "cl-client"
    assert state_folder({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local" / "state" / "cl-client"
