"""The documents of running servers, as files: the same bytes as the server exports by itself."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
from attrs import frozen

from cl_codegen.faults import FetchError
from cl_codegen.spec.bundle import Load, bundled, read_document
from cl_codegen.spec.spec import JSONValue, Spec, SpecError, canonical, refers_elsewhere
from cl_codegen.text.escape import one_line

LARGEST: Final = 64 * 1024 * 1024
MOST: Final = 500
"""Documents that one may refer to."""
_SECONDS: Final = 30.0


@frozen
class Fetched:
    """One document that came from a server.

    Attributes:
        path: the file that holds it.
        url: where it came from.
        changed: whether the file said anything else before.
    """

    path: Path
    url: str
    changed: bool


def fetch(servers: Mapping[str, str], folder: Path) -> tuple[Fetched, ...]:
    """Write the documents of servers into a folder: all of them, or none.

    Args:
        servers: addresses (or addresses of the documents, which end in `.json` or `.yaml`), by the name of the file.
            What they refer to, there and on other hosts, becomes a part of them.
        folder: of the specs; made where it is missing.

    Raises:
        FetchError: a server is not there, or does not give its document.
        SpecError: what it gives is no OpenAPI document.
    """
    contents = {name: document(url) for name, url in servers.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as staging:
            fetched: list[Fetched] = []
            for name, content in contents.items():
                path = folder / f"{name}.json"
                changed = not path.exists() or path.read_bytes() != content
                (Path(staging) / path.name).write_bytes(content)
                fetched.append(Fetched(path, address(servers[name]), changed))
            # Whatever can fail has been done: what is left are renames on one file system.
            for one in fetched:
                if one.changed:
                    (Path(staging) / one.path.name).replace(one.path)
    except OSError as unwritable:
        raise FetchError(f"{folder}: cannot be written: {unwritable.strerror or unwritable}") from None
    return tuple(fetched)


def address(server: str) -> str:
    """Where a server has its document; FastAPI's place, unless the address is one of a document."""
    return server if server.endswith((".json", ".yaml", ".yml")) else f"{server.rstrip('/')}/openapi.json"


def document(server: str) -> bytes:
    """The document of a server in its canonical form."""
    url = address(server)
    text = _text(url)
    value = read_document(url, text)
    if isinstance(value, dict) and refers_elsewhere(text):
        value = bundled(value, url, _others())
    try:
        return canonical(Spec.of(Path("openapi.json"), value).document).encode("utf-8")
    except SpecError as refused:
        raise SpecError(url, refused.place, refused.expected) from None
    except UnicodeEncodeError:
        raise SpecError(url, "#", "contains text that isn't Unicode") from None


def _others() -> Load:
    """Reads the documents that another one refers to; never a file of this machine.

    Raises (when called):
        FetchError: there are too many of them.
        SpecError: one is no document.
    """
    seen: list[str] = []

    def load(uri: str) -> JSONValue:
        if not uri.startswith(("http://", "https://")):
            return None
        seen.append(uri)
        if len(seen) > MOST:
            raise FetchError(f"{seen[0]}: refers to more than {MOST} other documents")
        try:
            text = _text(uri)
        except FetchError:
            return None  # What refers to it is left out, and named.
        return read_document(uri, text)

    return load


def _text(url: str) -> str:
    body = bytearray()
    try:
        with (
            contextlib.closing(httpx.Client(timeout=_SECONDS, follow_redirects=True)) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            if not response.is_success:
                hint = "; is this the address of the server?" if response.status_code == 404 else ""
                raise FetchError(
                    f"{url}: the server answers {response.status_code} {one_line(response.reason_phrase)}{hint}"
                )
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise FetchError(f"{url}: larger than {LARGEST // 2**20} MiB")
        return body.decode("utf-8")
    except httpx.TimeoutException:
        raise FetchError(f"{url}: no answer within {_SECONDS:g} s") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise FetchError(f"{url}: not an address: write http://host:port") from None
    except httpx.HTTPError as error:
        raise FetchError(f"{url}: cannot be reached: {str(error) or type(error).__name__}; is it running?") from None
    except UnicodeDecodeError:
        raise FetchError(f"{url}: not text in UTF-8") from None
