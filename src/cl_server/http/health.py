"""What a process knows of how it is, kept by those who find out: to be asked costs it nothing."""

from collections.abc import Callable

from pydantic import JsonValue


def _yes() -> bool:
    return True


def _nothing() -> dict[str, JsonValue]:
    return {}


class Health:
    """`database` says whether the last look at it went well; `details` are for people, and decide nothing.

    A broker that is away or workers that are not there yet do not make an API unready: it takes jobs, and they wait.
    """

    def __init__(
        self, database: Callable[[], bool] = _yes, details: Callable[[], dict[str, JsonValue]] = _nothing
    ) -> None:
        self._database = database
        self._details = details
        self.draining = False

    @property
    def ready(self) -> bool:
        """Whether to send requests here."""
        return not self.draining and self._database()

    def report(self) -> dict[str, JsonValue]:
        """How it is, in words."""
        status = "ready" if self.ready else "draining" if self.draining else "the database is away, or its disk is full"
        return {"status": status, **self._details()}
