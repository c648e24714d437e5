"""Adds what a task logs to the log of its job, which its user reads: without paths, tokens and tracebacks."""

import logging
import re
import threading
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sqlalchemy.exc import SQLAlchemyError

from cl_ml_tools.job_queue import Claim, JobQueue

# Seconds between a line and the moment when readers see it, if the job still runs then.
DELAY = 1.0
# Loggers of the server and its connections. Their lines are for admins.
OURS = frozenset(
    {
        *("cl_server", "sqlalchemy", "alembic", "psycopg", "asyncio", "concurrent"),
        *("paho", "amqtt", "obstore", "httpx", "httpcore", "urllib3"),
    }
)
WORKER = "cl_ml_tools.worker"
WARNINGS = "py.warnings"

_IN_ADDRESS = re.compile(r"(://)[^\s/@]+@")
_TOKEN = re.compile(r"\b[Bb]earer\s+\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_SECRET = re.compile(r"(?i)\b([\w-]*(?:password|passwd|secret|token|api[_-]?key))(\s*[=:]\s*)\S+")
_FOLDERS = re.compile(r"(?<![\w:/.\\])(?:/[^\s/'\"<>|:]+)+/(?=[^\s/'\"<>|:])")

log = logging.getLogger(__name__)


class TaskLog(logging.Handler):
    """The log of the job that this process runs. A process runs one job at a time, and its libraries have their own
    threads, so all lines that are logged meanwhile belong to the job.

    `folders` are those of the server. Only the last part of a path appears in the log. These folders are needed to find
    the start of paths with spaces.
    """

    def __init__(self, queue: JobQueue, folders: Sequence[Path] = ()) -> None:
        super().__init__(logging.DEBUG)
        self._queue = queue
        roots = sorted({str(folder) for folder in folders if len(folder.parts) > 1}, key=len, reverse=True)
        self._folders = [re.compile(re.escape(root) + r"/(?:[^\s/'\"<>|:]+/)*") for root in roots]
        self._claim: Claim | None = None
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="task-log", daemon=True)

    def start(self) -> None:
        """Store lines from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Store none any more."""
        self._stop.set()
        self._changed.set()
        self._thread.join(5)

    def hold(self, claim: Claim | None) -> None:
        """The job that lines belong to from now on."""
        self._claim = claim
        if claim is not None:
            claim.log.on_line = self._changed.set

    def emit(self, record: logging.LogRecord) -> None:
        """Add a line, if it is about the job."""
        claim = self._claim
        if claim is None or record.name.partition(".")[0] in OURS or record.name == WORKER:
            return
        try:
            claim.log.add(record.levelname.lower(), self.cleaned(record.getMessage()))
        except Exception:
            self.handleError(record)

    def cleaned(self, text: str) -> str:
        """A text without what users of the server must not see."""
        for folder in self._folders:
            text = folder.sub("", text)
        text = _IN_ADDRESS.sub(r"\1", text)
        text = _TOKEN.sub("[token]", text)
        text = _SECRET.sub(r"\1\2[hidden]", text)
        return _FOLDERS.sub("", text)

    def _run(self) -> None:
        while self._changed.wait() and not self._stop.wait(DELAY):
            self._changed.clear()
            claim = self._claim
            if claim is None or not claim.log.pending():
                continue
            try:
                self._queue.write_log(claim)
            except SQLAlchemyError as error:
                # They are stored with the end of the job, or the next time.
                log.warning("the log of job %s can't be stored now: %s", claim.job.job_id, error)


@contextmanager
def listening(task_log: TaskLog) -> Generator[None]:
    """Collect the log of this process and all warnings of libraries, repeated ones too."""
    root = logging.getLogger()
    shown = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if file is not None:
            shown(message, category, filename, lineno, file, line)
            return
        logging.getLogger(WARNINGS).warning("%s: %s", category.__name__, message)

    root.addHandler(task_log)
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):
            warnings.filterwarnings("always", category=category)
        warnings.showwarning = show
        task_log.start()
        try:
            yield
        finally:
            task_log.stop()
            root.removeHandler(task_log)
