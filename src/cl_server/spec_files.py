"""The files of `openapi/`: what the servers say of themselves, as they are kept in the repository."""

import difflib
import json
import tempfile
from pathlib import Path

from cl_server.auth import app as auth
from cl_server.auth.keys import KeyRing
from cl_server.auth.passwords import Passwords
from cl_server.auth.users import UserRepository
from cl_server.compute import app as compute
from cl_server.files.local import LocalFileStorage
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database


def export() -> dict[str, str]:
    """The files of `openapi/` by name. The same servers give the same bytes."""
    with tempfile.TemporaryDirectory() as name:
        # A document reads and writes nothing, but the routes need these objects.
        folder = Path(name)
        engine = open_database(folder / "none.sqlite")
        guests = GuestMode(folder / "guest-mode")
        apps = {
            "compute": compute.create_app(SqlJobRepository(engine), LocalFileStorage(folder), Capabilities(), guests),
            "auth": auth.create_app(UserRepository(engine), KeyRing(folder / "keys"), Passwords()),
        }
        return {
            f"{name}.json": json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
            for name, app in apps.items()
        }


def write(folder: Path) -> list[Path]:
    """Write the documents; returns those that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed: list[Path] = []
    for name, text in export().items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed


def check(folder: Path) -> str:
    """How the documents in a folder differ from the servers, as a diff; empty when they do not."""
    diff: list[str] = []
    for name, text in export().items():
        path = folder / name
        there = path.read_text("utf-8") if path.exists() else ""
        diff += difflib.unified_diff(
            there.splitlines(keepends=True), text.splitlines(keepends=True), str(path), "the servers"
        )
    return "".join(diff)
