"""Names that generated code and the client have already: no plugin, parameter or command can be called so.

They are read from the sources of the client and from the templates, so that a name that comes there is known here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

from cl_codegen.sync.python_module import tree_of

_CLIENT: Final = Path(__file__).parents[2] / "cl_client"
_Assigned = ast.AnnAssign | ast.Assign


def _tree(path: str) -> ast.Module:
    return tree_of((_CLIENT / path).read_text("utf-8"))


def _public(path: str, *classes: str) -> Iterator[str]:
    """What objects of some classes of a module have, but for what begins with `_`."""
    for node in _tree(path).body:
        if isinstance(node, ast.ClassDef) and node.name in classes:
            yield from (name for name in _members(node) if not name.startswith("_"))


def _members(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield each.name
        elif isinstance(each, _Assigned):
            yield from (target.id for target in _targets(each) if isinstance(target, ast.Name))
    for each in ast.walk(node):
        if isinstance(each, _Assigned):
            yield from (
                target.attr
                for target in _targets(each)
                if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
            )


def _targets(node: _Assigned) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _entries(*paths: str) -> Iterator[str]:
    """The names of the commands that modules of the command line list."""
    for call in (node for path in paths for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "Entry" and isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value)


def _options(*paths: str) -> Iterator[str]:
    """The options that classes of parameters have, as cyclopts names them."""
    for node in (node for path in paths for node in ast.walk(_tree(path)) if isinstance(node, ast.AnnAssign)):
        annotation = node.annotation
        if not isinstance(annotation, ast.Subscript) or not isinstance(node.target, ast.Name):
            continue
        calls = [each for each in ast.walk(annotation) if isinstance(each, ast.Call)]
        said = {keyword.arg: keyword.value for call in calls for keyword in call.keywords}
        own = "--" + node.target.id.replace("_", "-")
        named = cast("str | tuple[str, ...]", ast.literal_eval(said["name"])) if "name" in said else own
        names = [named] if isinstance(named, str) else list(named)
        yield from names
        has_negative = any(isinstance(each, ast.Name) and each.id == "bool" for each in ast.walk(annotation))
        if has_negative and "negative" not in said:
            yield from (f"--no-{name[2:]}" for name in names if name.startswith("--"))


def _imported(template: str) -> Iterator[str]:
    """What a module that is made from a template imports, whatever its plugin is."""
    templates = next(place for place in _TEMPLATES if place.is_dir())
    text = (templates / template).read_text("utf-8")
    for names in cast("list[str]", re.findall(r"^ *(?:from .+ )?import ([^\n{]+)$", text, re.MULTILINE)):
        yield from (name.strip() for name in names.split(","))


_TEMPLATES: Final = (Path(__file__).parents[3] / "templates", Path(__file__).parents[1] / "templates")
"""In a clone, and where the generator is installed."""

CALL_WORDS: Final = frozenset(
    [
        "self",
        "wait",
        "cancel_with_wait",
        "timeout",
        "on_progress",
        "on_complete",
        "on_upload",
        "priority",
        "idempotency_key",
        "cancel_with_wait",
        "body",
        "each",
        "follow_",
    ]
)
"""What every typed method takes or makes beside the parameters of the plugin."""

MODULE_WORDS: Final = frozenset(_imported("plugins/client.py.jinja"))
"""What the module of a plugin has already."""

_TWIN: Final = frozenset(_public("loops/portal.py", "Twin", "Door"))

CLIENT_WORDS: Final = frozenset(
    {
        *_public("job_client.py", "JobClient", "EmbeddingClient"),
        *_public("watching/listening.py", "Listening"),
        *_imported("plugins/plugins.py.jinja"),
        *_TWIN,
        # Modules beside those of the plugins, and what a class body needs.
        *("plugins", "commands", "sync", "property", "as_completed", "submitter"),
    }
)
"""What the client has already: no plugin can be called so."""

COMMAND_WORDS: Final = frozenset(_entries("cli/program.py", "cli/help/front_page.py"))
"""What the command line has already: no plugin's commands can be called so."""

CLIENT_CLASS_WORDS: Final = frozenset({*_public("runtime/plugin.py", "PluginClient"), *_TWIN, "attach", "operation"})
"""What the client of a plugin has already: no method can be called so."""

PROGRAM_OPTIONS: Final = frozenset({*_options("cli/help/options.py"), "--help", "--version", "--output", "-o"})
"""What the command of an operation has already: no parameter can be given so."""

GLOBAL_OPTIONS: Final = PROGRAM_OPTIONS | frozenset(_options("runtime/command.py"))
"""What the command of a job has already: no parameter can be given so."""
