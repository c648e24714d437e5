"""What a process knows of how it is, kept by those who find out: to be asked costs it nothing."""

from collections.abc import Callable

from pydantic import JsonValue


def _yes() -> bool:
    return True


def _nothing() -> dict[str, JsonValue]:
    return {}


class Health:
    """`database` is whether the last query succeeded, and `database_answers` and `storage_answers` whether they answer.
    `details` are for people, and decide nothing.

    Without a broker or workers, an API is ready: it accepts jobs, which wait.
    """

    def __init__(
        self,
        database: Callable[[], bool] = _yes,
        details: Callable[[], dict[str, JsonValue]] = _nothing,
        *,
        database_answers: Callable[[], bool] = _yes,
        storage_answers: Callable[[], bool] = _yes,
    ) -> None:
        self._database = database
        self._details = details
        self._database_answers = database_answers
        self._storage_answers = storage_answers
        self.draining = False

    @property
    def database_answers(self) -> bool:
        """Whether it makes sense to ask the database."""
        return self._database_answers()

    @property
    def storage_answers(self) -> bool:
        """Whether it makes sense to ask the file storage."""
        return self._storage_answers()

    @property
    def ready(self) -> bool:
        """Whether to send requests here."""
        return self.status == "ready"

    @property
    def status(self) -> str:
        """How it is, in words."""
        if self.draining:
            return "draining"
        if not self._database() or not self._database_answers():
            return "the database doesn't answer, or its disk is full"
        return "ready" if self._storage_answers() else "the file storage does not answer"

    def report(self) -> dict[str, JsonValue]:
        """How it is, in words, with the details."""
        return {"status": self.status, **self._details()}
