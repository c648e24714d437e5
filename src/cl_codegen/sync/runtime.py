"""What generated code may import of the client: the list of `cl_client.runtime`, read from the sources."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

from attrs import frozen

from cl_codegen.faults import GenerationError
from cl_codegen.sync.python_module import Module

CLIENT: Final = Path(__file__).parents[2] / "cl_client"
"""The sources of the client."""


@frozen
class Runtime:
    """The list.

    Attributes:
        release: the version of the client.
        version: what a package that is made of it says that it was made for.
        homes: where generated code imports a name from: the runtime, or, for what stands above it, what is public.
    """

    release: str
    version: int
    homes: dict[str, str]

    @classmethod
    def load(cls, client: Path = CLIENT) -> Runtime:
        """Read it from the sources of a client."""
        runtime, public = (_module(client, name) for name in ("cl_client.runtime", "cl_client"))
        version = _constant(runtime, "VERSION")
        said = Module.parse("cl_client.version", (client / "version.py").read_text("utf-8"))
        release = _constant(said, "__version__")
        if not isinstance(version, int) or not isinstance(release, str):
            raise GenerationError("cl_client.runtime says no VERSION, or cl_client.version no __version__")
        homes = {
            name: module.name
            for module in (public, runtime)
            for name, found in module.imports.items()
            if found.is_for_types
        }
        return cls(release, version, homes)

    def has(self, module: str, name: str) -> bool:
        """Whether generated code may import a name of a module."""
        return self._home(module, name) is not None

    def _home(self, module: str, name: str) -> str | None:
        is_ours = module.startswith("cl_client.") and module != "cl_client.errors"
        return self.homes.get(name) if is_ours else module

    def statement(self, module: str, name: str, alias: str) -> str:
        """The import of a name in generated code.

        Args:
            module: where it is.
            name: what it is called there.
            alias: what it is called in generated code.

        Raises:
            GenerationError: it is one of the client that generated code may not import.
        """
        home = self._home(module, name)
        if home is None:
            raise GenerationError(f"cl_client.runtime does not have {name} of {module}, which generated code needs")
        return f"from {home} import {name}" + (f" as {alias}" if alias != name else "")


def _constant(module: Module, name: str) -> object:
    """The value of a constant, where the module says it as it is."""
    statement = module.assigned.get(name)
    value = statement.value if isinstance(statement, ast.AnnAssign | ast.Assign) else None
    return value.value if isinstance(value, ast.Constant) else None


def _module(client: Path, name: str) -> Module:
    path = client.joinpath(*name.split(".")[1:], "__init__.py")
    return Module.parse(name, path.read_text("utf-8"))
