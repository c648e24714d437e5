"""A package for several servers: what its templates are given."""

from __future__ import annotations

from attrs import frozen

from cl_codegen.manifest.specs_table import SpecEntry
from cl_codegen.model.package import Package
from cl_codegen.model.sign_in import Scheme
from cl_codegen.text import naming
from cl_codegen.text.escape import SpecText
from cl_codegen.text.layout import Layout

_FLOWS = frozenset(["client_credentials", "password"])


@frozen
class Part:
    """One of the servers.

    Attributes:
        name: an attribute of the client; command: what one types.
        package: of it, which is below the package of all.
    """

    name: str
    command: str
    package: Package

    @property
    def flows(self) -> tuple[Scheme, ...]:
        """The ways in which it gives tokens, that all are signed in with."""
        return tuple(scheme for scheme in self.package.schemes if scheme.kind in _FLOWS)


@frozen
class Several:
    """What is written.

    Attributes:
        name: what is imported; distribution: what is installed.
        layout: of the package.
        client: the class of its client.
        parts: its servers, in the order of the manifest.
    """

    name: str
    distribution: str
    layout: Layout
    client: str
    parts: tuple[Part, ...]

    @property
    def summary(self) -> SpecText:
        titles = [part.package.title.raw for part in self.parts]
        return SpecText(
            f"Client of {', '.join(titles[:-1])} and {titles[-1]}" if titles[1:] else f"Client of {titles[0]}"
        )

    @property
    def version(self) -> str:
        """No spec has the version of all."""
        return "0.1.0"

    @property
    def requirement(self) -> str:
        return self.parts[0].package.requirement

    @property
    def runtime(self) -> int:
        return self.parts[0].package.runtime

    @property
    def http(self) -> str:
        return self.parts[0].package.http

    @property
    def example(self) -> SpecText:
        """One call, for people to begin with: of a server that has jobs, if there is one."""
        part = next((part for part in self.parts if part.package.plugins), self.parts[0])
        return part.package.example

    @classmethod
    def of(cls, name: str, layout: Layout, parts: tuple[tuple[SpecEntry, Package], ...]) -> Several:
        """All of it.

        Args:
            name: of the package; layout: of its parts.
            parts: each spec and the package of it.
        """
        client = naming.pascal(name)
        client = client if client.endswith("Client") else f"{client}Client"
        made = tuple(Part(entry.name, entry.command, package) for entry, package in parts)
        return cls(name, layout.program, layout, client, made)
