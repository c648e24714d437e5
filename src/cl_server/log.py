"""The log of a server process, on standard error: lines for people, or one JSON object a line (`CL_LOG=json`)."""

import logging
import os
import sys
from contextvars import ContextVar
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter

from cl_server.settings_error import SettingsError

# Of the request that is being answered, in whichever thread that is.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

log = logging.getLogger(__name__)


def configure(name: str) -> None:
    """One line for each event, with the process that says it. Raises `SettingsError` for another word in `CL_LOG`."""
    wanted = os.environ.get("CL_LOG") or "text"
    if wanted not in {"text", "json"}:
        raise SettingsError(f"CL_LOG is text or json, not {wanted!r}")
    handler = logging.StreamHandler()
    if wanted == "json":
        handler.addFilter(mark)
        handler.setFormatter(json_formatter(name))
        sys.excepthook = _ended
    else:
        handler.setFormatter(logging.Formatter(f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def json_formatter(name: str) -> logging.Formatter:
    """Objects with `time` (ISO 8601, UTC), `level`, `process`, `logger`, `message`, and what the event brings."""
    return JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        static_fields={"process": name},
        timestamp="time",
    )


def mark(record: logging.LogRecord) -> bool:
    """Note in which request something happened. A logging filter that lets everything through."""
    current = request_id.get()
    if current is not None:
        record.request_id = current
    return True


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # Python itself would write a traceback of many lines, none of which is JSON.
    log.critical("the process ends: %s", error, exc_info=(kind, error, trace))
