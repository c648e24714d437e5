"""The modules that the sync client is made from: which of their classes get a twin, and where those are."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cl_codegen.faults import GenerationError
from cl_codegen.sync.python_module import Function, Module, bases
from cl_codegen.sync.sync_types import Types
from cl_codegen.sync.twin import TwinModule
from cl_codegen.text.layout import OURS, Layout

TWINS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "auth_client": ("accounts.auth_client", ("AuthClient",)),
    "batch": ("batch.run", ("Outcome", "as_completed")),
    "client": ("client", ("ComputeClient",)),
    "job": ("jobs.handle", ("Job",)),
    "jobs": ("jobs.collection", ("Jobs",)),
    "monitor": ("monitor", ("MQTTJobMonitor",)),
    "plugin": ("runtime.plugin", ("PluginClient",)),
    "session": ("session", ("SessionManager",)),
    "watch": ("watching.watch", ("Watch",)),
    "workers": ("watching.workers", ("Workers",)),
}
"""By the module of the sync client: the module below `cl_client`, and its classes and functions that get a twin. The
plugins' clients have twins too."""

BASES: Final = frozenset(["OperationGroup", "PluginClient"])
"""What the generated clients of one plugin or one tag stand on: their classes have twins."""
_BENEATH_THEM: Final = (
    *("job_client", "jobs.by_id", "jobs.known_job", "loops.closing"),
    *("runtime.operations", "runtime.server_client", "runtime.signed_client"),
    "watching.listening",
)
"""Modules with classes on which those stand that have twins."""


class Sources:
    """What is read: the modules of the async client, and of its plugins.

    Args:
        client: the folder of `cl_client`.
        plugins: the modules of the plugin layer, by their path.
        layout: what the packages are called.
        facade: the module of a package's own client; its other twins are those that `cl_sync` has.
        operations: the modules of the operation layer, by their path.
    """

    def __init__(
        self,
        client: Path,
        plugins: Mapping[str, str],
        layout: Layout = OURS,
        facade: Module | None = None,
        operations: Mapping[str, str] | None = None,
    ) -> None:
        ours = {name: _read(client, source) for name, (source, _) in TWINS.items()}
        ours |= {name: _read(client, name) for name in _BENEATH_THEM}
        theirs = {
            f"{kind}.{path.removesuffix('.py')}": Module.parse(f"{package}.{path.removesuffix('.py')}", text)
            for kind, package, texts in (
                ("plugins", layout.plugins, plugins),
                ("operations", layout.operations, operations or {}),
            )
            for path, text in texts.items()
            if "/" not in path and path != "__init__.py"
        }
        every = (*ours.values(), *theirs.values(), *([facade] if facade else []))
        self._classes = {name: module for module in every for name in module.classes}
        self.modules: dict[str, Module] = {}
        """The modules that have twins, by the name of the twins' module."""
        self.homes: dict[str, str] = {}
        """Where the twins are, by their name."""
        for module, (_, names) in TWINS.items():
            self._have_twins(ours[module], f"{OURS.sync}.{module}", names)
        known = set(self.modules) if facade else set[str]()
        for name, module in theirs.items():
            names = [each for each, node in module.classes.items() if not BASES.isdisjoint(bases(node))]
            if names:
                self._have_twins(module, f"{layout.sync}.{name}", names)
        if facade is not None:
            self._have_twins(facade, f"{layout.sync}.client", list(facade.classes))
        self.written: tuple[str, ...] = tuple(home for home in self.modules if home not in known)
        """Those that are to be made."""
        doors = {name for name in self.homes if "__aenter__" in self._methods(name)}
        self.types: Types = Types(frozenset(self.homes), doors)

    def family(self, name: str) -> list[tuple[Module, ast.ClassDef]]:
        """A class and those of its bases whose source is known, in the order in which attributes are looked up."""
        if (module := self._classes.get(name)) is None:
            return []
        node = module.classes[name]
        return [(module, node), *(found for base in bases(node) for found in self.family(base))]

    def module_of(self, name: str) -> Module:
        """The module that a twin is made from."""
        return self.modules[self.homes[name]]

    def scope(self, twins: TwinModule) -> tuple[Module, ...]:
        """The modules whose names the code of these twins may have."""
        found = {module.name: module for each in twins.classes for module, _ in self.family(each.name)}
        return tuple({twins.source: self.modules[twins.name], **found}.values())

    def _methods(self, name: str) -> set[str]:
        return {each.name for _, node in self.family(name) for each in node.body if isinstance(each, Function)}

    def _have_twins(self, module: Module, home: str, names: Sequence[str]) -> None:
        for name in names:
            if not module.defines(name):
                raise GenerationError(f"{module.name} has no {name} that could have a twin")
            self.homes[name] = home
        self.modules[home] = module


def _read(client: Path, name: str) -> Module:
    """A module below `cl_client`, by its dotted name."""
    return Module.parse(f"cl_client.{name}", client.joinpath(*name.split(".")).with_suffix(".py").read_text("utf-8"))
