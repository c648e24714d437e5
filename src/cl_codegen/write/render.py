"""The plugin layer: our own templates, rendered for each plugin and once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cl_codegen.model.command import Command
from cl_codegen.model.contract import Contract
from cl_codegen.model.group import Group
from cl_codegen.model.package import Package
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.several import Several
from cl_codegen.text.layout import OURS, Layout
from cl_codegen.write.jinja_env import environment, extend, render_template

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

PART: Final = (
    ("__init__.py.jinja", "{path}/__init__.py"),
    ("client.py.jinja", "{path}/client.py"),
    ("sync.py.jinja", "{path}/sync/__init__.py"),
)
"""The same for each server of a package that has several."""

SEVERAL: Final = (
    ("pyproject.toml.jinja", "pyproject.toml"),
    ("several_readme.md.jinja", "README.md"),
    ("several_init.py.jinja", "src/{name}/__init__.py"),
    ("__main__.py.jinja", "src/{name}/__main__.py"),
    ("several_cli.py.jinja", "src/{name}/cli.py"),
    ("several_client.py.jinja", "src/{name}/client.py"),
    ("several_sync.py.jinja", "src/{name}/sync/__init__.py"),
    ("several_sync_client.py.jinja", "src/{name}/sync/client.py"),
)
"""What such a package has above them; the templates see `p`, a `Several`."""

FOR_EACH_GROUP: Final = (("group.py.jinja", "{name}.py"), ("command.py.jinja", "commands/{name}.py"))
"""(template, path below the package) for each group of operations; the template sees `group`."""

ALL_GROUPS: Final = (
    ("operations.py.jinja", "operations.py"),
    ("__init__.py.jinja", "__init__.py"),
    ("commands.py.jinja", "commands/__init__.py"),
)
"""(template, path below the package), once; the template sees `groups`."""


def render(plugins: Sequence[Plugin], templates: Path, layout: Layout = OURS) -> Mapping[str, str]:
    """The modules of the plugin layer, by their path below the package, unformatted.

    Raises:
        PluginTemplateError: names the template and what is wrong with it.
    """
    env = environment(templates)
    extend(env, {"command": Command.of})
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


def render_part(package: Package, templates: Path) -> Mapping[str, str]:
    """The files of one of several servers in a package, beside the two layers, by their path below `src`.

    Raises:
        PluginTemplateError: as `render`.
    """
    env = environment(templates)
    below = package.name.replace(".", "/")
    return {path.format(path=below): render_template(env, name, p=package) for name, path in PART}


def render_several(several: Several, templates: Path) -> Mapping[str, str]:
    """The files of a package above its servers, by their path, unformatted.

    Raises:
        PluginTemplateError: as `render`.
    """
    env = environment(templates)
    return {path.format(name=several.name): render_template(env, name, p=several) for name, path in SEVERAL}


def render_operations(groups: Sequence[Group], templates: Path, layout: Layout) -> Mapping[str, str]:
    """The modules of the operation layer, by their path below the package, unformatted.

    Raises:
        PluginTemplateError: as `render`.
    """
    env = environment(templates)
    files = {path: render_template(env, name, groups=groups, layout=layout) for name, path in ALL_GROUPS}
    for name, path in FOR_EACH_GROUP:
        for group in groups:
            files[path.format(name=group.name)] = render_template(env, name, group=group)
    return files


def render_contract(contract: Contract, plugins: Sequence[Plugin], templates: Path) -> str:
    """The contract of a server, unformatted.

    Raises:
        PluginTemplateError: as `render`.
    """
    return render_template(environment(templates), "contract.py.jinja", contract=contract, plugins=plugins)


def compile_all(templates: Path) -> None:
    """Compile the templates of a checkout once, as pip does with the modules that it installs. Else each run does,
    where the environment keeps Python from writing what was compiled."""
    for folder in sorted(templates.iterdir()):
        env = environment(folder)
        extend(env, {"command": Command.of})
        for name in env.list_templates(["jinja"]):
            env.get_template(name)
