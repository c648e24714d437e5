"""Whether the database and the file storage answer, which can be on other machines."""

import logging
import threading
from collections.abc import Callable
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cl_server.http import errors
from cl_server.http.access import PROTECTED
from cl_server.http.health import Health

# Seconds between two looks: while it answers, and while it does not.
PERIOD = 3.0
AWAY = 1.0

log = logging.getLogger(__name__)


class Availability:
    """A thread that calls `check` regularly. `check` raises an error for an outage, and has to end within seconds."""

    def __init__(self, name: str, check: Callable[[], None], period: float = PERIOD) -> None:
        self.name = name
        self._check = check
        self._period = period
        self._answers = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"is {name} there", daemon=True)

    @property
    def answers(self) -> bool:
        """Whether it did when it was last asked."""
        return self._answers

    def start(self) -> None:
        """Ask from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def look(self) -> bool:
        """Ask now."""
        try:
            self._check()
        except Exception as error:
            if self._answers:
                log.error("the %s does not answer: %s", self.name, str(error).strip().partition("\n")[0])
            self._answers = False
        else:
            if not self._answers:
                log.info("the %s answers again", self.name)
            self._answers = True
        return self._answers

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self._period if self._answers else AWAY)


class AvailabilityMiddleware:
    """Refuses at once what would wait for a database or a storage that does not answer."""

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self.app = app
        self.health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None if scope["type"] != "http" else self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
            return
        answer = errors.answer(Request(scope), refusal.status_code, refusal.detail, refusal.headers)
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> HTTPException | None:
        path = cast("str", scope["path"])
        if not any(path == root or path.startswith(f"{root}/") for root in PROTECTED):
            return None
        if not self.health.database_answers:
            return errors.NO_DATABASE
        if not self.health.storage_answers and (scope["method"] == "POST" or "/files" in path):
            return errors.NO_STORAGE
        return None
