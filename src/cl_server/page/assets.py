"""The files of the page, as they are in the package: read once, and served under a name that changes with them."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type

from cl_server.page.headers import SHELL

# Texts of licences are there to be read in the package.
SERVED = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def assets() -> dict[str, bytes]:
    """The content of each file, by its path below `static`."""
    return dict(sorted(_below(files("cl_server.page") / "static", "")))


@cache
def stamp() -> str:
    """Identifies the content of all files: a browser that has a file with this name needs no other."""
    content = hashlib.sha256()
    for name, data in assets().items():
        content.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return content.hexdigest()[:16]


def media_type(name: str) -> str:
    """The type of a file, by its name."""
    ending = name[name.rfind(".") :]
    return SERVED.get(ending) or guess_type(name)[0] or "application/octet-stream"


@cache
def shell(version: str) -> str:
    """The page itself, which holds nothing of any user."""
    # Here, because most processes of the server never show the page.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cl_server.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(SHELL).render(version=version, assets=f"ui/assets/{stamp()}")


def _below(folder: Traversable, path: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _below(entry, f"{path}{entry.name}/")
        elif entry.name[entry.name.rfind(".") :] in SERVED:
            found.append((path + entry.name, entry.read_bytes()))
    return found
