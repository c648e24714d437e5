"""Stores sessions: the token in the keyring of the system or in a file, and never a password.

Each session has its own file. If the token is in a keyring, the file has the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import hashlib
import json
import logging
import math
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final, Protocol, cast

from attrs import frozen

from cl_client.accounts.token import Token
from cl_client.config.paths import state_folder
from cl_client.errors import ComputeClientError
from cl_client.files import file_lock
from cl_extras import whole_file

logger = logging.getLogger(__name__)

_SERVICE: Final = "cl-client"
# Seconds between two attempts to get the lock, and their number before a process continues without it.
_NEXT_LOOK: Final = 0.02
_LOOKS: Final = 500


@frozen(kw_only=True)
class Session:
    """A session of a user.

    Attributes:
        auth_url: The address of the auth server.
        username: The name of the user at the login.
        token: The newest token.
        logged_in_at: The time of the login, in seconds of the local clock.
    """

    auth_url: str
    username: str
    token: Token
    logged_in_at: float


class SessionStore:
    """The sessions of this user of the machine. Its methods block: call them in a thread.

    Args:
        folder: The folder of the files. Default: `$XDG_STATE_HOME/cl-client/sessions`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or state_folder() / "sessions"

    def load(self, auth_url: str, username: str | None = None) -> Session | None:
        """The session of a user. Default: that of the last login.

        Raises:
            ComputeClientError: The session exists and can't be read. It is never replaced by another one.
        """
        found = [kept for path in self._files(auth_url, username) if (kept := _read(path)) is not None]
        last = max(found, key=lambda kept: kept.logged_in_at, default=None)
        if isinstance(last, _Unreadable):
            raise ComputeClientError(
                f"the session in {last.path} cannot be read: {last.reason}",
                hint="log in again (`cl-client login`), or continue as a guest (`--no-auth`)",
            )
        return last

    def save(self, session: Session) -> str:
        """Keep a session, in place of an earlier one of the same user.

        Returns:
            Where the token is, in words.

        Raises:
            ComputeClientError: it cannot be written.
        """
        path = self._path(session)
        in_keyring = _put_into_keyring(session)
        record = {
            "auth_url": session.auth_url,
            "username": session.username,
            "logged_in_at": session.logged_in_at,
            "received_at": session.token.received_at,
            "lifetime": session.token.lifetime,
            "token": None if in_keyring else session.token.text,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder.chmod(0o700)
            whole_file.write(path, json.dumps(record), mode=whole_file.PRIVATE)
        except OSError as error:
            raise ComputeClientError(f"cannot keep the session in {path}: {error.strerror or error}") from error
        return "the system keyring" if in_keyring else str(path)

    def forget(self, session: Session) -> None:
        """Remove a session, if it is there.

        Raises:
            ComputeClientError: it cannot be removed.
        """
        path = self._path(session)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ComputeClientError(f"cannot remove {path}: {error.strerror or error}") from error
        _remove_from_keyring(session)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Lock the sessions during the block.

        After a time limit, a process continues without the lock: if two processes refresh a token, that costs a
        request, while waiting for a process that hangs would stop the work.
        """
        try:
            file = (self._folder / "lock").open("a")
        except OSError:
            # There is no folder to share, or none that may be written.
            yield
            return
        with file:
            for _ in range(_LOOKS):
                if file_lock.take(file):
                    break
                await asyncio.sleep(_NEXT_LOOK)
            yield

    def _files(self, auth_url: str, username: str | None) -> Sequence[Path]:
        server, user = _short(auth_url), "*" if username is None else _short(username.casefold())
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ComputeClientError(
                f"the sessions in {self._folder} cannot be read: {error.strerror or error}",
                hint="make that a folder of yours, or continue as a guest (`--no-auth`)",
            ) from error
        return [self._folder / name for name in fnmatch.filter(names, f"{server}-{user}.json")]

    def _path(self, session: Session) -> Path:
        return self._folder / f"{_name(session.auth_url, session.username)}.json"


def _name(auth_url: str, username: str) -> str:
    return f"{_short(auth_url)}-{_short(username.casefold())}"


def _short(text: str) -> str:
    """A file name for any text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@frozen
class _Unreadable:
    """A stored session of any user.

    Attributes:
        path: The path of its file.
        reason: Why it can't be read.
        logged_in_at: The time of the login, if it is known.
    """

    path: Path
    reason: str
    logged_in_at: float


def _read(path: Path) -> Session | _Unreadable | None:
    logged_in_at = 0.0
    try:
        logged_in_at = path.stat().st_mtime
        record = cast("dict[str, object]", json.loads(path.read_bytes()))
        auth_url, username, text = str(record["auth_url"]), str(record["username"]), record["token"]
        logged_in_at = _time(record["logged_in_at"])
        lifetime = record["lifetime"]
        if path.stem != _name(auth_url, username) or not isinstance(text, str | None):
            raise ValueError
        return Session(
            auth_url=auth_url,
            username=username,
            token=Token(
                _checked(text if text is not None else _get_from_keyring(auth_url, username)),
                _time(record["received_at"]),
                None if lifetime is None else _time(lifetime),
            ),
            logged_in_at=logged_in_at,
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        return _Unreadable(path, error.strerror or str(error), logged_in_at)
    except _KeyringError as error:
        return _Unreadable(path, str(error), logged_in_at)
    except (ValueError, TypeError, KeyError, RecursionError):
        return _Unreadable(path, "it is damaged", logged_in_at)


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _checked(text: str) -> str:
    """A token that can be sent in a header; raises ValueError for one that cannot."""
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise ValueError
    return text


class _KeyringError(Exception):
    """The keyring doesn't return what was stored in it."""


class _Keyring(Protocol):
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def get_password(self, service: str, username: str) -> str | None: ...
    def delete_password(self, service: str, username: str) -> None: ...


def _keyring() -> _Keyring | None:
    """The system's keyring; `None` where there is only a substitute for one (below priority 1, says the library)."""
    try:
        import keyring

        backend = keyring.get_keyring()
        return cast("_Keyring", backend) if backend.priority >= 1 else None
    except Exception as error:
        # An extra that is not installed, or a backend that breaks in its own way.
        logger.debug("no keyring: %r", error)
        return None


def _entry(auth_url: str, username: str) -> str:
    return f"{username.casefold()} {auth_url}"


def _put_into_keyring(session: Session) -> bool:
    backend = _keyring()
    if backend is None:
        return False
    entry = _entry(session.auth_url, session.username)
    try:
        backend.set_password(_SERVICE, entry, session.token.text)
        # Some take everything and give nothing back.
        return backend.get_password(_SERVICE, entry) == session.token.text
    except Exception as error:
        logger.debug("the keyring takes nothing: %r", error)
        return False


def _get_from_keyring(auth_url: str, username: str) -> str:
    backend = _keyring()
    if backend is None:
        raise _KeyringError(f"the token of {username} is in a keyring, and there is none now")
    try:
        text = backend.get_password(_SERVICE, _entry(auth_url, username))
    except Exception as error:
        # It is locked, or away: each backend says it in its own way.
        raise _KeyringError(f"the keyring does not give the token of {username} ({error})") from error
    if text is None:
        raise _KeyringError(f"the keyring has no token of {username} any more")
    return text


def _remove_from_keyring(session: Session) -> None:
    backend = _keyring()
    if backend is not None:
        with contextlib.suppress(Exception):
            backend.delete_password(_SERVICE, _entry(session.auth_url, session.username))
