"""Passwords, hashed with argon2id (RFC 9106)."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# Of Argon2: RFC 9106, section 3.1.
VERSION = 0x13
# Each hash takes 64 MiB and all of a core for a while: more at once would only take memory.
PARALLEL = 2

P = ParamSpec("P")
R = TypeVar("R")


# The maximum length of the queue. Clients behind it would give up before their turn.
WAITING = 64
# A password that can be guessed in this number of attempts is refused, as zxcvbn estimates for limited lengths.
FEWEST_GUESSES = 10_000
LONGEST = 72


class BusyError(Exception):
    """Too many passwords wait to be looked at."""

    def __init__(self) -> None:
        super().__init__("too many are logging in at the moment: try again in a few seconds")


class WeakPasswordError(Exception):
    """The password is one of the first that an attacker would try. The message is a sentence with the reason."""


def refuse_worst(password: str, username: str) -> None:
    """Raise `WeakPasswordError` for a common password, or one made from the name. Takes milliseconds."""
    # Here, because its lists of words take long to load.
    from zxcvbn import zxcvbn

    found = zxcvbn(password[:LONGEST], user_inputs=[username] if username else [])
    if found["guesses"] < FEWEST_GUESSES:
        why = found["feedback"]["warning"].rstrip(".") or "it is one of the first that are tried"
        raise WeakPasswordError(f"the password is too easy to guess ({why}): take several words, or a random one")


class Passwords:
    """Hashes and checks passwords in its own threads, so that the event loop and the database don't wait.

    `weak` allows passwords that are easy to guess, for servers of tests.
    """

    def __init__(self, hasher: PasswordHasher | None = None, *, weak: bool = False) -> None:
        self._hasher = hasher or PasswordHasher()
        self._weak = weak
        self._threads = ThreadPoolExecutor(PARALLEL, "argon2")
        self._waiting = 0
        # The hash to compare with if the user doesn't exist, so that the response takes the same time.
        self._decoy = _of_nobody(self._hasher)

    def expect_strong(self, password: str, username: str) -> None:
        """As `refuse_worst`, unless weak passwords are allowed."""
        if not self._weak:
            refuse_worst(password, username)

    async def hash(self, password: str) -> str:
        """The hash to keep. Raises `BusyError`."""
        return await self._in_turn(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether this is the password. For the hash `None`, the result is always false, after the same time.

        Raises `BusyError`.
        """
        return await self._in_turn(self._matches, stored, password)

    async def _in_turn(self, work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        if self._waiting >= WAITING:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments, **named))
        finally:
            self._waiting -= 1

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _matches(self, stored: str | None, password: str) -> bool:
        try:
            self._hasher.verify(stored or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


def _of_nobody(hasher: PasswordHasher) -> str:
    """What looks like a hash and is that of no password, without the work of making one."""

    def random(size: int) -> str:
        return base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")

    kind = f"argon2{hasher.type.name.lower()}"
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return "$".join(("", kind, f"v={VERSION}", cost, random(hasher.salt_len), random(hasher.hash_len)))
