"""Limits for failed logins."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

# Seconds between two turns of an address that is above its limit, and the longest that one waits for its turn.
PACE = 1.0
LONGEST_WAIT = 10.0
# How many addresses and names are remembered, the latest.
LARGEST = 10_000

K = TypeVar("K")
V = TypeVar("V")


class TooManyError(Exception):
    """Too many attempts; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many attempts to log in: try again in {retry_after} s")
        self.retry_after = retry_after


class Window:
    """At most `count` attempts of one key in any `seconds`. Remembers the `largest` number of keys, latest first."""

    def __init__(
        self, count: int, seconds: float, *, largest: int = LARGEST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._seconds = seconds
        self._largest = largest
        self._clock = clock
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """The seconds until the next attempt may be made; 0 is now."""
        attempts = self._recent(key)
        if len(attempts) < self._count:
            return 0
        return attempts[0] + self._seconds - self._clock()

    def take(self, key: str) -> None:
        """Make an attempt."""
        attempts = self._recent(key)
        attempts.append(self._clock())
        self._attempts[key] = attempts
        self._attempts.move_to_end(key)
        if len(self._attempts) > self._largest:
            self._attempts.popitem(last=False)

    def give_back(self, key: str) -> None:
        """Undo an attempt."""
        attempts = self._recent(key)
        if attempts:
            attempts.pop()
        if not attempts:
            self._attempts.pop(key, None)

    def __len__(self) -> int:
        return len(self._attempts)

    def _recent(self, key: str) -> deque[float]:
        attempts = self._attempts.get(key, deque[float]())
        oldest = self._clock() - self._seconds
        while attempts and attempts[0] <= oldest:
            attempts.popleft()
        return attempts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to log in."""

    address: str
    username: str


class LoginLimit:
    """Limits failed attempts for a name from an address, for an address, and for a name from all addresses.

    An address can be that of a proxy or of a whole company, so one user must not lock out the others: above the limit
    of an address, its attempts are queued, one each second, and refused only if the queue is long. The limit of a name
    doesn't apply to an address from which that name has logged in. Otherwise, anyone could lock out anyone. Names that
    don't exist have the same limits. Successful logins don't count. For one event loop; no method waits.
    """

    def __init__(
        self,
        per_login: int = 10,
        per_address: int = 50,
        per_name: int = 200,
        seconds: float = 60,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logins = Window(per_login, seconds, clock=clock)
        self._addresses = Window(per_address, seconds, clock=clock)
        self._names = Window(per_name, seconds, clock=clock)
        self._clock = clock
        # The time of the next attempt of each address, and the addresses from which names have logged in.
        self._turns: OrderedDict[str, float] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, attempt: Attempt) -> float:
        """Count an attempt, before the password is looked at: many at once are many. The seconds to wait before that.

        Raises `TooManyError`.
        """
        wait = max(window.wait(key) for window, key in self._refusing(attempt))
        if wait > 0:
            raise TooManyError(math.ceil(wait))
        wait = self._turn(attempt.address) if self._addresses.wait(attempt.address) > 0 else 0
        for window, key in self._keys(attempt):
            window.take(key)
        return wait

    def succeeded(self, attempt: Attempt) -> None:
        """Do not count it after all."""
        for window, key in self._keys(attempt):
            window.give_back(key)
        _note(self._known, _whose(attempt), None)

    def _turn(self, address: str) -> float:
        """The seconds until the next turn of an address, which is then taken. Raises `TooManyError`."""
        now = self._clock()
        begins = max(self._turns.get(address, now), now) + PACE
        if begins - now > LONGEST_WAIT:
            raise TooManyError(math.ceil(begins - now))
        _note(self._turns, address, begins)
        return begins - now

    def _refusing(self, attempt: Attempt) -> list[tuple[Window, str]]:
        login, _, name = self._keys(attempt)
        return [login] if _whose(attempt) in self._known else [login, name]

    def _keys(self, attempt: Attempt) -> list[tuple[Window, str]]:
        address, name = _whose(attempt)
        return [(self._logins, f"{address} {name}"), (self._addresses, address), (self._names, name)]


def _whose(attempt: Attempt) -> tuple[str, str]:
    return attempt.address, attempt.username.casefold()


def _note(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > LARGEST:
        kept.popitem(last=False)
