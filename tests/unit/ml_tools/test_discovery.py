from importlib.metadata import EntryPoint, EntryPoints

import pytest
from fastapi import APIRouter, FastAPI

from cl_ml_tools import discovery
from cl_ml_tools.file_storage import FileStorage
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.master import create_master_router
from cl_ml_tools.submit import CurrentUser
from tests.installed import ALWAYS, WITH_MODEL

NUMBER = 7


def broken_routes(repository: JobRepository, file_storage: FileStorage, get_current_user: CurrentUser) -> APIRouter:
    raise RuntimeError("no routes today")


def broken_task() -> object:
    raise RuntimeError("no task today")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real plugins, among broken ones."""
    here = __name__
    real = {group: list(discovery.entry_points(group=group)) for group in (discovery.TASKS, discovery.ROUTES)}
    monkeypatch.setitem(__import__("sys").modules, here, __import__("sys").modules[here])
    names = ["no_such_module:x", "json:no_such_name", f"{here}:NUMBER"]

    def entry_points(group: str) -> EntryPoints:
        own = f"{here}:broken_task" if group == discovery.TASKS else f"{here}:broken_routes"
        bad = [EntryPoint(f"bad{number}", value, group) for number, value in enumerate([*names, own, "builtins:dict"])]
        return EntryPoints([*bad, *real[group]])

    monkeypatch.setattr(discovery, "entry_points", entry_points)


@pytest.mark.usefixtures("installed")
def test_broken_tasks_are_left_out() -> None:
    assert set(discovery.discover_tasks()) == {*ALWAYS, *WITH_MODEL}


@pytest.mark.usefixtures("installed")
def test_broken_routes_are_left_out() -> None:
    router = create_master_router(None, None, lambda: None)  # pyright: ignore[reportArgumentType]
    app = FastAPI()
    app.include_router(router)
    assert set(app.openapi()["paths"]) == {f"/jobs/{name}" for name in [*ALWAYS, *WITH_MODEL]}
