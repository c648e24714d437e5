"""A package of its own for a server that is not ours: what its templates are given.

It depends on cl-client, whose `JobClient` watches, retries, uploads and downloads for it; what is generated is what is
different: models and endpoints, typed plugins and commands, and the contract of the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from attrs import evolve, frozen

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.model.contract import Contract, KindContract, read_contract
from cl_codegen.model.group import Group
from cl_codegen.model.job_output import artifact_of, output_class
from cl_codegen.model.operations import read_groups
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.recognise import PARAMETER
from cl_codegen.model.sign_in import Scheme, schemes_of
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.sync.runtime import Runtime
from cl_codegen.text import naming
from cl_codegen.text.escape import SpecText, one_line
from cl_codegen.text.layout import Layout
from cl_codegen.wire.wire import Wire

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
        contract: of the server; nothing, where it has no jobs.
        groups: the operations that create no jobs, by tag.
        address: where the spec says that the server is; base_path: where it has its paths, where that is all it says.
        schemes: the ways to sign in.
        http: the library that it sends its requests with.
        runtime: the version of `cl_client.runtime` that it is made for.
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
    base: str
    contract: Contract | None
    groups: tuple[Group, ...]
    address: SpecText
    base_path: SpecText
    schemes: tuple[Scheme, ...]
    runtime: int
    http: str = "httpx"

    @property
    def handed_on(self) -> frozenset[str]:
        """The endpoints whose answers its operations read by themselves, as `tag.module`."""
        return frozenset(method.module for group in self.groups for method in group.methods if method.pages is not None)

    @property
    def example(self) -> SpecText:
        """One call, for people to begin with."""
        if self.plugins:
            return self.plugins[0].example
        if not self.groups:
            return SpecText("...")
        method = self.groups[0].methods[0]
        given = ["..."] * len(method.positional) + (['"answer.bin"'] if method.saves else [])
        given += [f"{one.name}=..." for one in method.keywords if one.required]
        return SpecText(f"print(await {self.layout.client}.{self.groups[0].name}.{method.name}({', '.join(given)}))")

    @classmethod
    def of(
        cls,
        name: str,
        layout: Layout,
        spec: Spec,
        manifest: Manifest,
        plugins: tuple[Plugin, ...],
        wire: Wire,
        *,
        has_methods: bool = False,
    ) -> Package:
        """Read it.

        Args:
            name: of the package; layout: of its parts.
            spec: normalised; manifest: of it; plugins: of both; wire: of the spec.
            has_methods: whether the methods of `client.jobs` are enough for the operations that they stand for.

        Raises:
            SpecError: as `read_contract`, where there are jobs.
        """
        info = spec.root.find("info")
        title = _text(info, "title") or name
        version = _text(info, "version")
        client = naming.pascal(name)
        client = client if client.endswith("Client") else f"{client}Client"
        if client == "JobClient" or client in {plugin.class_name for plugin in plugins}:
            client = f"{client.removesuffix('Client')}ServerClient"
        contract = read_contract(spec, manifest, plugins) if plugins else None
        runtime = Runtime.load()
        known = {plugin.operation for plugin in plugins}
        if has_methods and contract is not None:
            known |= _stood_for(contract, wire)
        groups = read_groups(
            spec, wire, layout, jobs=known, taken={plugin.name for plugin in plugins}, pages=manifest.pages
        )
        return cls(
            name=name,
            distribution=layout.program,
            layout=layout,
            client=client,
            title=SpecText(title),
            summary=SpecText(f"Client of {title}"),
            description=SpecText(_text(info, "description")),
            version=version if _VERSION.fullmatch(version) else "0.1.0",
            requirement=_requirement(runtime.release),
            plugins=tuple(
                _with_job(plugin, contract.of(plugin.name), wire) for plugin in plugins if contract is not None
            ),
            contract=contract,
            base=_base(spec, manifest),
            groups=groups,
            address=SpecText(_address(spec)),
            base_path=SpecText(_base_path(spec)),
            schemes=schemes_of(spec),
            runtime=runtime.version,
        )


def _stood_for(contract: Contract, wire: Wire) -> set[str]:
    """The operations that the client calls by itself."""
    found = {node.at("operationId").text() for kind in contract.kinds for node in kind.routes.operations.values()}
    read = {each.path.raw for each in (contract.jobs, contract.workers) if each is not None}
    found |= {one.name for one in wire.operations if one.path in read and one.method == "get"}
    many = None if contract.batch is None else contract.batch.path.raw
    return found | {one.name for one in wire.operations if PARAMETER.sub("{task}", one.path) == many}


def _with_job(plugin: Plugin, kind: KindContract, wire: Wire) -> Plugin:
    """A plugin with what its jobs are known to give."""
    output = plugin.output or output_class(kind, wire)
    artifact = plugin.artifact or artifact_of(kind)
    return evolve(plugin, within=kind.routes.within[plugin.name], output=output, artifact=artifact)


def _address(spec: Spec) -> str:
    """The first address of the spec that is one, with the defaults of its variables (OpenAPI 3.1 §4.8.5)."""
    return next((url.rstrip("/") for url in _servers(spec) if re.match(r"https?://[^/]+", url)), "")


def _base_path(spec: Spec) -> str:
    """Where the paths are below the address of the document, where no server has an address of its own."""
    if _address(spec):
        return ""
    found = next((url for url in _servers(spec) if not re.match(r"[a-z][a-z0-9+.-]*:|//", url)), "")
    path = urlsplit(found).path.removeprefix(".").strip("/")
    return f"/{path}" if path and ".." not in path else ""


def _servers(spec: Spec) -> Iterator[str]:
    """The URLs of the servers, whole ones alone, with the defaults of their variables."""
    servers = spec.root.find("servers")
    for server in servers.elements() if servers is not None and isinstance(servers.value, list) else ():
        url = server.value_of("url")
        variables = server.find("variables")
        for name, variable in variables.members() if variables is not None else ():
            url = url.replace(f"{{{name}}}", str(variable.value_of("default"))) if isinstance(url, str) else url
        if isinstance(url, str) and "{" not in url:
            yield url


def _base(spec: Spec, manifest: Manifest) -> str:
    """The class of cl-client that a client with jobs stands on."""
    if manifest.server.embedded:
        return "EmbeddingClient"
    return "SignedJobClient" if schemes_of(spec) or _base_path(spec) else "JobClient"


def _text(node: Node | None, key: str) -> str:
    value = node.value_of(key) if node is not None else None
    return one_line(str(value)) if isinstance(value, str | int | float) else ""


def _requirement(version: str) -> str:
    """This version of cl-client and later ones that promise the same (Semantic Versioning 2.0.0 §4, §8)."""
    major, minor = version.split(".")[:2]
    last = f"0.{int(minor) + 1}" if major == "0" else str(int(major) + 1)
    return f"cl-client>={version},<{last}"
