"""A package of its own for a server that is not ours: what its templates are given.

It depends on cl-client, whose `JobClient` watches, retries, uploads and downloads for it; what is generated is what is
different: models and endpoints, typed plugins and commands, and the contract of the server.
"""

from __future__ import annotations

import importlib.metadata
import re

from attrs import evolve, frozen

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.model.contract import Contract, read_contract
from cl_codegen.model.plugin import Plugin
from cl_codegen.spec.spec import Node, Spec, SpecError
from cl_codegen.text import naming
from cl_codegen.text.escape import SpecText, one_line
from cl_codegen.text.layout import Layout

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?")
"""A version as PyPA has it (Version specifiers, Public version identifiers), in its normal form."""


@frozen
class Package:
    """What is written.

    Attributes:
        name: what is imported; distribution: what is installed.
        layout: of the packages below it.
        client: the class of its client.
        title, summary, description: what the spec says of the server; the summary always says something.
        version: of the spec, where it is one that a package can have.
        requirement: the versions of cl-client that it stands on.
        plugins: by name.
        base: the class of cl-client that the client stands on.
        contract: of the server.
    """

    name: str
    distribution: str
    layout: Layout
    client: str
    title: SpecText
    summary: SpecText
    description: SpecText
    version: str
    requirement: str
    plugins: tuple[Plugin, ...]
    contract: Contract
    base: str

    @classmethod
    def of(cls, name: str, layout: Layout, spec: Spec, manifest: Manifest, plugins: tuple[Plugin, ...]) -> Package:
        """Raises SpecError: there is no job to run, or `read_contract` says what is missing."""
        if not plugins:
            raise SpecError(
                spec.source,
                "#/paths",
                "expected an operation that creates a job: a POST to …/jobs/{task} or …/{task}/jobs, one with"
                " x-task-type, or one that a table of the manifest names",
            )
        info = spec.root.find("info")
        title = _text(info, "title") or name
        version = _text(info, "version")
        client = naming.pascal(name)
        client = client if client.endswith("Client") else f"{client}Client"
        if client == "JobClient" or client in {plugin.class_name for plugin in plugins}:
            client = f"{client.removesuffix('Client')}ServerClient"
        contract = read_contract(spec, manifest, plugins)
        return cls(
            name=name,
            distribution=layout.program,
            layout=layout,
            client=client,
            title=SpecText(title),
            summary=SpecText(f"Client of {title}"),
            description=SpecText(_text(info, "description")),
            version=version if _VERSION.fullmatch(version) else "0.1.0",
            requirement=_requirement(importlib.metadata.version("cl-client")),
            plugins=tuple(evolve(plugin, within=contract.routes.within[plugin.name]) for plugin in plugins),
            contract=contract,
            base="EmbeddingClient" if manifest.server.embedded else "JobClient",
        )


def _text(node: Node | None, key: str) -> str:
    value = node.value_of(key) if node is not None else None
    return one_line(str(value)) if isinstance(value, str | int | float) else ""


def _requirement(version: str) -> str:
    """This version of cl-client and later ones that promise the same (Semantic Versioning 2.0.0 §4, §8)."""
    major, minor = version.split(".")[:2]
    last = f"0.{int(minor) + 1}" if major == "0" else str(int(major) + 1)
    return f"cl-client>={version},<{last}"
