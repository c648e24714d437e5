"""The plugin layer: our own templates, rendered for each plugin and once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from cl_codegen.faults import PluginTemplateError
from cl_codegen.model.command import Command
from cl_codegen.model.contract import Contract
from cl_codegen.model.package import Package
from cl_codegen.model.plugin import Plugin
from cl_codegen.text import escape
from cl_codegen.text.layout import OURS, Layout
from cl_codegen.write.jinja_env import extend

FOR_EACH: Final = (("client.py.jinja", "{name}.py"), ("command.py.jinja", "commands/{name}.py"))
"""(template, path below the package) for each plugin; the template sees `plugin`."""

ONCE: Final = (
    ("plugins.py.jinja", "plugins.py"),
    ("__init__.py.jinja", "__init__.py"),
    ("commands.py.jinja", "commands/__init__.py"),
)
"""(template, path below the package), once; the template sees `plugins`."""

PACKAGE: Final = (
    ("pyproject.toml.jinja", "pyproject.toml"),
    ("README.md.jinja", "README.md"),
    ("__init__.py.jinja", "src/{name}/__init__.py"),
    ("__main__.py.jinja", "src/{name}/__main__.py"),
    ("cli.py.jinja", "src/{name}/cli.py"),
    ("client.py.jinja", "src/{name}/client.py"),
    ("sync.py.jinja", "src/{name}/sync/__init__.py"),
)
"""(template, path), once for a package of its own; the template sees `p`, a `Package`."""

SHARED: Final = ("client.py", "errors.py", "types.py")
"""The modules of a wire layer that are the same for every server."""


def environment(templates: Path) -> Environment:
    """jinja2 as our templates expect it: what is undefined is an error, and text of a spec has to be escaped."""
    env = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 — this is Python and not HTML; `escape` has what takes its place
    )
    extend(
        env,
        {
            "code": escape.code,
            "command": Command.of,
            "comment": escape.comment,
            "docstring": escape.docstring,
            "fenced": escape.fenced,
            "literal": escape.literal,
            "markdown": escape.markdown,
            "prose": escape.prose,
            "toml": escape.toml,
        },
    )
    return env


def render(plugins: Sequence[Plugin], templates: Path, layout: Layout = OURS) -> Mapping[str, str]:
    """The modules of the plugin layer, by their path below the package, unformatted.

    Raises:
        PluginTemplateError: names the template and what is wrong with it.
    """
    env = environment(templates)
    files: dict[str, str] = {}
    for name, path in FOR_EACH:
        for plugin in plugins:
            files[path.format(name=plugin.name)] = render_template(env, name, plugin=plugin)
    for name, path in ONCE:
        files[path] = render_template(env, name, plugins=plugins, layout=layout)
    return files


def render_package(package: Package, templates: Path) -> Mapping[str, str]:
    """The files of a package of its own beside the two layers, by their path, unformatted.

    Raises:
        PluginTemplateError: as `render`.
    """
    env = environment(templates)
    return {path.format(name=package.name): render_template(env, name, p=package) for name, path in PACKAGE}


def render_contract(contract: Contract, templates: Path) -> str:
    """What the client of a server is told of it, unformatted.

    Raises:
        PluginTemplateError: as `render`.
    """
    return render_template(environment(templates), "contract.py.jinja", contract=contract)


def render_shared(templates: Path) -> Mapping[str, str]:
    """Those modules of another wire layer than that of our compute server, by their path below it.

    They have what is in that: one UNSET, one File and one Client for all.
    """
    env = environment(templates)
    return {name: render_template(env, f"{name}.jinja") for name in SHARED}


def render_template(env: Environment, name: str, **context: object) -> str:
    """One file, unformatted.

    Raises:
        PluginTemplateError: as `render`.
    """
    try:
        return env.get_template(name).render(context)
    except (TemplateError, TypeError) as broken:
        line = f", line {broken.lineno}" if isinstance(broken, TemplateSyntaxError) else ""
        raise PluginTemplateError(f"{name}{line}: {broken}") from broken
