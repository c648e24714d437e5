from importlib.metadata import EntryPoint, EntryPoints

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from cl_ml_tools import discovery
from cl_ml_tools.compute_module import ComputeModule, ProgressCallback, Submit, TaskResult
from cl_ml_tools.file_storage import FileStorage
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.master import create_master_router
from cl_ml_tools.schemas import BaseJobParams, Job
from cl_ml_tools.submit import CurrentUser
from tests.installed import ALWAYS, WITH_MODEL

NUMBER = 7


def broken_routes(repository: JobRepository, file_storage: FileStorage, get_current_user: CurrentUser) -> APIRouter:
    raise RuntimeError("no routes today")


def broken_task() -> object:
    raise RuntimeError("no task today")


def real(group: str) -> list[EntryPoint]:
    """The plugins that are installed."""
    return list(discovery.entry_points(group=group))


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


class Spoken(ComputeModule[BaseJobParams]):
    task_type = "spoken"
    schema = BaseJobParams

    async def execute(
        self, job: Job, params: BaseJobParams, progress_callback: ProgressCallback | None = None
    ) -> TaskResult:
        raise NotImplementedError


def test_a_task_has_a_route_by_what_it_says_or_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("spoken", f"{__name__}:broken_routes", discovery.ROUTES)]
    monkeypatch.setattr(discovery, "entry_points", lambda group: EntryPoints(entries))
    module = Spoken()
    assert discovery.discover_routes({"spoken": module}) == {"spoken": broken_routes}
    module.submit, module.output_schema = Submit("Speak", file="A text."), BaseModel
    assert discovery.discover_routes({"spoken": module})["spoken"] is not broken_routes
    # It does not say what it gives.
    module.output_schema = None
    entries.clear()
    assert discovery.discover_routes({"spoken": module}) == {}


@pytest.mark.parametrize("warm", [True, False])
def test_what_others_installed_is_not_loaded_before_a_fork(monkeypatch: pytest.MonkeyPatch, warm: bool) -> None:
    loaded: list[str] = []

    class Noted(EntryPoint):
        def load(self) -> object:
            loaded.append(self.value)
            return super().load()

    found = [
        Noted(entry.name, entry.value, entry.group)
        for group in (discovery.TASKS, discovery.ROUTES)
        for entry in real(group)
    ]
    others = [Noted("other", f"{__name__}:broken_task", discovery.TASKS)]

    def entry_points(group: str) -> EntryPoints:
        return EntryPoints(entry for entry in (*others, *found) if entry.group == group)

    monkeypatch.setattr(discovery, "entry_points", entry_points)
    discovery.preload(warm=warm)
    assert sorted(loaded) == sorted(entry.value for entry in found)


@pytest.mark.usefixtures("installed")
def test_a_broken_plugin_is_no_trouble_before_a_fork() -> None:
    discovery.preload(warm=True)
