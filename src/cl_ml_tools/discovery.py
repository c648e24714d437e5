"""Finds plugins by their entry points. A plugin that is broken is left out; the others work on."""

import logging
from collections.abc import Container, Iterator, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeAlias, cast

from cl_ml_tools.compute_module import ComputeModule
from cl_ml_tools.schemas import BaseJobParams

if TYPE_CHECKING:
    from cl_ml_tools.submit import RouteFactory

TASKS = "cl_ml_tools.tasks"
ROUTES = "cl_ml_tools.routes"
OURS = "cl_ml_tools.plugins."

AnyModule: TypeAlias = ComputeModule[BaseJobParams]

log = logging.getLogger(__name__)


def discover_tasks() -> dict[str, AnyModule]:
    """One instance of every task plugin that loads, by task type."""
    modules: dict[str, AnyModule] = {}
    for name, plugin in _load(TASKS):
        try:
            module = plugin() if callable(plugin) else None
            if not isinstance(module, ComputeModule):
                log.error("plugin %s is not a ComputeModule and is left out", name)
                continue
            loaded = cast("AnyModule", module)
            modules[loaded.task_type] = loaded
        except Exception:
            log.exception("plugin %s does not start and is left out", name)
    return modules


def discover_routes(modules: Mapping[str, AnyModule]) -> "dict[str, RouteFactory]":
    """The route factory of every plugin that loads, by plugin name: of each task that says how its jobs are sent, and
    of each entry point for the others.

    Args:
        modules: the tasks, by their type.
    """
    # FastAPI, which a worker need not have.
    from cl_ml_tools.submit import SubmitRoute

    factories: dict[str, RouteFactory] = {}
    for task_type, module in sorted(modules.items()):
        if module.submit is not None:
            try:
                factories[task_type] = SubmitRoute[BaseJobParams].of(module, module.submit).router
            except Exception:
                log.exception("the route of plugin %s cannot be made and is left out", task_type)
    for name, plugin in _load(ROUTES, without=factories):
        if callable(plugin):
            factories[name] = cast("RouteFactory", plugin)
        else:
            log.error("the routes of plugin %s are not a function and are left out", name)
    return factories


def preload(*, warm: bool) -> None:
    """Import the plugins of this package, for the processes that will be forked from this one; `warm` as workers do.

    What others have installed is left out: who knows what it starts when it is imported.
    """
    for entry in entry_points(group=TASKS):
        if not entry.value.startswith(OURS):
            continue
        try:
            plugin = cast("object", entry.load())
            module = plugin() if warm and callable(plugin) else None
            if isinstance(module, ComputeModule) and module.missing() is None:
                module.setup()
        except Exception:
            # Who needs it finds out again, and says so.
            log.debug("plugin %s is not loaded in advance", entry.name, exc_info=True)


def _load(group: str, without: Container[str] = ()) -> Iterator[tuple[str, object]]:
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        if entry.name in without:
            continue
        try:
            yield entry.name, cast("object", entry.load())
        except ModuleNotFoundError as error:
            log.error("plugin %s (%s) is left out: %s", entry.name, entry.value, error)
        except Exception:
            log.exception("plugin %s (%s) does not load and is left out", entry.name, entry.value)
