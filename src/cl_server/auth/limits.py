"""How often somebody may try to log in."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass


class TooManyError(Exception):
    """Too many attempts; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many attempts to log in: try again in {retry_after} s")
        self.retry_after = retry_after


class Window:
    """At most `count` attempts of one key in any `seconds`. Remembers the `largest` number of keys, latest first."""

    def __init__(
        self, count: int, seconds: float, *, largest: int = 10_000, clock: Callable[[], float] = time.monotonic
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
    """Attempts that fail are limited for a name from an address, for an address, and for a name from everywhere.

    The last one is wide, because it also shuts out whom the name belongs to. Names that nobody has are limited
    like others. What succeeds does not count. For one event loop; nothing here waits.
    """

    def __init__(self, per_login: int = 10, per_address: int = 50, per_name: int = 200, seconds: float = 60) -> None:
        self._logins = Window(per_login, seconds)
        self._addresses = Window(per_address, seconds)
        self._names = Window(per_name, seconds)

    def begin(self, attempt: Attempt) -> None:
        """Count an attempt, before the password is looked at: many at once are many. Raises `TooManyError`."""
        wait = max(window.wait(key) for window, key in self._keys(attempt))
        if wait > 0:
            raise TooManyError(math.ceil(wait))
        for window, key in self._keys(attempt):
            window.take(key)

    def succeeded(self, attempt: Attempt) -> None:
        """Do not count it after all."""
        for window, key in self._keys(attempt):
            window.give_back(key)

    def _keys(self, attempt: Attempt) -> list[tuple[Window, str]]:
        name = attempt.username.casefold()
        return [(self._logins, f"{attempt.address} {name}"), (self._addresses, attempt.address), (self._names, name)]
