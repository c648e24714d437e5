"""Files that a server wants before the job: it gives an address to put each at, and takes the id of it as a parameter.

The address is mostly that of a storage, which is signed for one file (presigned): no token of ours goes there.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from cl_client.errors import ResponseError
from cl_client.http.library import httpx
from cl_client.http.multipart import PlainBody
from cl_client.http.transport import Transport
from cl_client.http.upload import Upload
from cl_client.server.fields import a_word, found
from cl_client.wire.errors import read_json
from cl_client.wire.types import JSONObject, JSONValue

_NEVER: Final = frozenset({"authorization", "cookie", "host", "content-length", "transfer-encoding"})
"""Headers that no answer may set: who we are, and what the connection itself says."""


class StoredFile(str):
    """What a server calls a file that it has already: given in the place of a file, nothing is sent but this."""

    __slots__ = ()


@frozen(kw_only=True)
class UploadRoute:
    """Where a server says to put a file, and what it calls things there. A dotted name is in an object.

    Attributes:
        path: where an address is asked for (POST).
        url: the field of its answer with the address, which the file is put at.
        value: the field with what stands for the file in a job.
        headers: the field with the headers that the file has to be put with.
        name, media_type, size: what the question calls the name, the media type and the bytes of the file; `None` where
            it is not told.
    """

    path: str
    url: str
    value: str
    headers: str | None = None
    name: str | None = None
    media_type: str | None = None
    size: str | None = None


async def store(transport: Transport, route: UploadRoute, upload: Upload) -> str:
    """Ask for an address, and put a file there; what stands for it in a job.

    Raises:
        InputFileError: it cannot be read.
        ResponseError: the server gives no address, or the storage does not take the file.
        ServerUnreachableError: one of both does not answer.
    """
    said = {route.name: upload.file_name, route.media_type: upload.mime_type, route.size: upload.size}
    body = {key: value for key, value in said.items() if key is not None and value is not None}
    answer = read_json(await transport.post(route.path, json=body) if body else await transport.post(route.path))
    try:
        address, value = (_word(answer, name) for name in (route.url, route.value))
    except (KeyError, TypeError, ValueError) as error:
        raise ResponseError(f"the server answered POST {route.path} with no address for a file: {error}") from error
    headers = {"Content-Type": upload.mime_type, **_headers(answer, route.headers)}
    url = transport.address(address)
    auth = httpx.USE_CLIENT_DEFAULT if url is not None else None
    await transport.request("PUT", url or address, content=PlainBody(upload), headers=headers, auth=auth)
    return value


def _word(answer: JSONValue, name: str) -> str:
    if not isinstance(answer, dict):
        raise TypeError("expected an object")
    is_there, value = found(answer, name)
    if not is_there:
        raise KeyError(name)
    return a_word(value, name)


def _headers(answer: JSONValue, name: str | None) -> dict[str, str]:
    """The headers that an answer wants a file to be put with."""
    said: JSONObject = answer if isinstance(answer, dict) else {}
    _, listed = found(said, name) if name is not None else (False, None)
    every = listed.items() if isinstance(listed, dict) else ()
    return {key: value for key, value in every if isinstance(value, str) and key.lower() not in _NEVER}
