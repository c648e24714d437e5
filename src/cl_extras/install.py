"""The extras of the distribution `cl-client`: which are incomplete here, and the command that adds one."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, TypedDict, cast
from urllib.parse import unquote, urlsplit

_NAME: Final = "cl-client"
_MADE: Final = frozenset({"server", "ml"})
"""What `make demo` and `make ml` install, in the versions of `locks/`."""


class _DirectUrl(TypedDict, total=False):
    """`direct_url.json` of an installed distribution (PEP 610); absent when it came from an index."""

    url: str
    dir_info: dict[str, bool]
    vcs_info: dict[str, str]


def install_command(*extras: str) -> str:
    """The command that adds extras to this installation, for a person to run in the current folder.

    An index need not have this distribution, so the command names what it was installed from: a clone, a wheel or a
    repository. In the environment of `make demo`, it is a target of the Makefile.
    """
    came_from = _came_from()
    url = came_from.get("url", "")
    wanted = f"[{','.join(extras)}]"
    if (folder := _clone(came_from)) is not None:
        if _MADE.issuperset(extras) and (folder / "Makefile").is_file() and _is(Path(sys.prefix), folder / ".venv"):
            return "make ml" if _is(folder, Path.cwd()) else f"make -C {shlex.quote(str(folder))} ml"
        return f"{_pip_install()} -e {shlex.quote(f'{folder}{wanted}')}"
    if not url:
        return f"{_pip_install()} {shlex.quote(_NAME + wanted)}"
    if (vcs := came_from.get("vcs_info")) is not None:
        url = f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'HEAD')}"
    return f"{_pip_install()} {shlex.quote(f'{_NAME}{wanted} @ {url}')}"


def upgrade_command() -> str:
    """What gets a newer version of this installation, for a person to run or, of a file, to do."""
    came_from = _came_from()
    url = came_from.get("url", "")
    if (folder := _clone(came_from)) is not None:
        return f"git -C {shlex.quote(str(folder))} pull"
    if not url:
        return f"{_pip_install()} --upgrade {_NAME}"
    if (vcs := came_from.get("vcs_info")) is not None:
        newest = f"{_NAME} @ {vcs.get('vcs', 'git')}+{url}"
        return f"{_pip_install()} --upgrade {shlex.quote(newest)}"
    return f"install a newer one than {url}"


def lack(error: ModuleNotFoundError, what: str, extra: str) -> str | None:
    """What to say, in one line, where a library of an extra is missing; `None` where a module of ours is, a fault."""
    if error.name is None or error.name.startswith("cl_"):
        return None
    library = error.name.partition(".")[0]
    return f"{what} needs the extra [{extra}] ({library} is missing): {install_command(extra)}"


def is_complete(extra: str) -> bool:
    """Whether every library that an extra names is installed, in whatever version."""
    named = re.compile(rf"""extra\s*==\s*["']{re.escape(extra)}["']""")
    own = _own()
    for requirement in (own.requires if own is not None else None) or []:
        name = re.match(r"[\w.-]+", requirement)
        if name is not None and named.search(requirement) is not None and not _is_installed(name[0]):
            return False
    return True


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _own() -> Distribution | None:
    try:
        return distribution(_NAME)
    except PackageNotFoundError:
        return None


def _came_from() -> _DirectUrl:
    own = _own()
    text = own.read_text("direct_url.json") if own is not None else None
    return {} if text is None else cast("_DirectUrl", json.loads(text))


def _clone(came_from: _DirectUrl) -> Path | None:
    """The folder that is used as it lies there (`pip install -e`)."""
    if not came_from.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(came_from.get("url", "")).path))


def _pip_install() -> str:
    """What installs into this environment, as a shell finds it here: another pip on the path is for another Python."""
    if importlib.util.find_spec("pip") is None:
        return f"uv pip install --python {shlex.quote(sys.executable)}"
    found = shutil.which("pip")
    if found is not None and Path(found).parent == Path(sys.executable).parent:
        return "pip install"
    return f"{shlex.quote(sys.executable)} -m pip install"


def _is(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
