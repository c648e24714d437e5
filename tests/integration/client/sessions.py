"""What tests of sessions have in common: a clock, and servers that believe certain tokens."""

import time
from collections.abc import Callable

from cl_client import ServerConfig, SessionManager
from cl_client.accounts.session_store import Session, SessionStore
from cl_client.accounts.token import Token
from tests.faults.scripted import answer

LIFE = 1800
TAKEN = answer(200, b'{"job_id": "a", "status": "queued", "task_type": "hash"}')
NEWER = answer(200, b'{"access_token": "newer", "expires_in": 1800}')


class Clock:
    """The time of day, which the test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def asked(session: SessionManager) -> list[str]:
    """What the auth server is asked from now on."""
    paths: list[str] = []

    async def note(request: object) -> None:
        paths.append(str(getattr(request, "url", "")).rpartition("/")[2])

    session.auth.api.get_async_httpx_client().event_hooks["request"].append(note)
    return paths


def believing(*tokens: str, then: bytes = TAKEN) -> Callable[[str], bytes]:
    """A server that answers 401 to whoever has none of these tokens."""

    def check(head: str) -> bytes:
        return then if any(f"Bearer {token}\r\n" in head for token in tokens) else answer(401, b'{"detail": "too old"}')

    return check


def kept(store: SessionStore, config: ServerConfig, token: Token) -> None:
    """Have been logged in as `alice` by an earlier process."""
    store.save(Session(auth_url=config.auth_url, username="alice", token=token, logged_in_at=token.received_at))
