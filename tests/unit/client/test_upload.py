"""What is sent arrives as it was, whatever it is called and whatever is in it."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlparse, urlsplit

import httpx
import pydantic
import pytest
import starlette.datastructures
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser
from werkzeug.datastructures import FileStorage

from cl_client.errors import InputFileError, InputNotFoundError, InvalidParameterError
from cl_client.http.file_source import content_of, is_url, name_of
from cl_client.http.multipart import FormField, Multipart
from cl_client.http.remote_file import RemoteFile
from cl_client.http.upload import PIECE, FileInput, Upload


async def received(fields: list[FormField]) -> list[tuple[str, str | bytes, str | None]]:
    """The body as an independent parser reads it."""
    body = Multipart(fields)
    length = 0

    async def stream():
        nonlocal length
        async for piece in body:
            length += len(piece)
            yield piece

    form = await MultiPartParser(Headers(body.headers), stream(), max_part_size=1 << 24).parse()
    assert body.length in (None, length)
    parts = [
        (name, await value.read(), value.filename) if isinstance(value, UploadFile) else (name, value, None)
        for name, value in form.multi_items()
    ]
    await form.close()
    return parts


hostile = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=2000), hostile)
def test_any_content_and_any_name_arrive(content: bytes, text: str):
    fields: list[FormField] = [("file", Upload(content), "photo.jpg", None), ("text", text.encode(), None, None)]
    [file, plain] = asyncio.run(received(fields))
    assert file == ("file", content, "photo.jpg")
    assert plain == ("text", text, None)


@pytest.mark.parametrize("name", ['a"b.jpg', "a\r\nX-Evil: 1\r\n.jpg", "äöü 写真.jpg", 'a"; filename="b'])
async def test_a_file_name_cannot_end_its_header(name: str):
    [(field, content, file_name)] = await received([("file", Upload(b"x"), name, None)])
    assert (field, content) == ("file", b"x")
    assert file_name is not None
    assert "\r" not in file_name


async def test_a_boundary_of_another_client_in_the_file_is_just_bytes():
    content = b"head\r\n--+++\r\nContent-Disposition: form-data; name=evil\r\n\r\n1\r\n--+++--\r\ntail"
    assert await received([("file", Upload(content), "f", None)]) == [("file", content, "f")]


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
async def test_files_of_every_size_are_sent_in_pieces(tmp_path: Path, size: int):
    path = tmp_path / "photo.png"
    path.write_bytes(bytes(i % 251 for i in range(size)))
    heard: list[tuple[int, int | None]] = []
    file = Upload(path, lambda sent, total: heard.append((sent, total)))
    assert b"".join([piece async for piece in file.pieces()]) == path.read_bytes()
    assert (file.mime_type, file.size) == ("image/png", size)
    assert heard[-1] == (size, size)
    assert len(heard) == -(-size // PIECE)


async def test_an_open_file_is_sent_from_where_it_stands(tmp_path: Path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.seek(4)
        upload = Upload(file)
        assert (upload.file_name, upload.size) == ("a.bin", 6)
        assert b"".join([piece async for piece in upload.pieces()]) == b"456789"
    assert Upload(io.BytesIO(b"x")).file_name == "file"


def test_what_cannot_be_sent_is_said_before_anything_is(tmp_path: Path):
    (tmp_path / "empty").touch()
    with pytest.raises(InputNotFoundError, match="does not exist") as missing:
        Upload(tmp_path / "nothing")
    assert isinstance(missing.value, FileNotFoundError)
    with pytest.raises(InputFileError, match="is empty"):
        Upload(tmp_path / "empty")
    with pytest.raises(InputFileError, match="is a folder"):
        Upload(tmp_path)
    with pytest.raises(InputFileError, match="is empty"):
        Upload(b"")


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def sent(upload: Upload) -> bytes:
    return b"".join([piece async for piece in upload.pieces()])


async def test_what_can_go_back_to_its_beginning_is_sent_again(tmp_path: Path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.seek(4)
        for source, content in ((path, b"0123456789"), (b"bytes", b"bytes"), (file, b"456789")):
            upload = Upload(source)
            assert await sent(upload) == content
            assert upload.replayable
            assert await sent(upload) == content


async def test_what_comes_once_is_sent_once_whatever_its_length():
    heard: list[tuple[int, int | None]] = []
    upload = Upload(in_pieces(b"abc", b"de"), lambda *at: heard.append(at), file_name="photo.jpg")
    assert (upload.size, upload.mime_type, upload.replayable) == (None, "image/jpeg", True)
    assert await received([("file", upload, upload.file_name, None)]) == [("file", b"abcde", "photo.jpg")]
    assert heard == [(3, None), (5, None)]
    assert not upload.replayable
    assert not Multipart([("file", upload, "photo.jpg", None)]).replayable
    with pytest.raises(InputFileError, match="sent already"):
        await sent(upload)


async def test_a_length_that_is_told_is_held(tmp_path: Path):
    body = Multipart([("file", Upload(in_pieces(b"abc"), size=3), "f", None)])
    assert body.headers["Content-Length"] == str(body.length)
    for size in (2, 4):
        with pytest.raises(InputFileError, match="changed while it was sent"):
            await sent(Upload(in_pieces(b"abc"), size=size))
    with pytest.raises(InputFileError, match="is empty"):
        await sent(Upload(in_pieces()))


async def test_a_pipe_is_read_when_it_is_sent(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    upload = Upload(pipe)
    assert upload.size is None
    content, _ = await asyncio.gather(sent(upload), asyncio.to_thread(pipe.write_bytes, b"through a pipe"))
    assert content == b"through a pipe"
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file, os.fdopen(writer, "wb") as end:
        end.write(b"more")
        end.close()
        assert await sent(Upload(file)) == b"more"


def test_what_is_no_file_is_refused():
    with pytest.raises(InvalidParameterError, match="a int cannot be sent"):
        Upload(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [b"shorter", b"very much longer than it was"])
async def test_a_file_that_changes_while_it_is_sent_is_an_error(tmp_path: Path, change: bytes):
    path = tmp_path / "a"
    path.write_bytes(b"ten bytes!")
    upload = Upload(path)
    path.write_bytes(change)
    with pytest.raises(InputFileError, match="changed while it was sent"):
        async for _ in upload.pieces():
            pass


async def test_a_file_that_vanishes_before_it_is_sent_is_an_error(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"ten bytes!")
    upload = Upload(path)
    path.unlink()
    with pytest.raises(InputFileError, match="cannot read a"):
        async for _ in upload.pieces():
            pass


class AsyncFile:
    """As aiofiles and object stores have them: read with await, and no more than that."""

    def __init__(self, content: bytes) -> None:
        self._left = content
        self.name = "/tmp/photo.jpg"

    async def read(self, size: int = -1) -> bytes:
        piece, self._left = self._left[:size], self._left[size:]
        return piece


class Reader:
    """What can be read and nothing else."""

    def __init__(self, content: bytes) -> None:
        self.read = io.BytesIO(content).read


class FieldFile:
    """An uploaded file as aiohttp has it: beneath its name."""

    def __init__(self, content: bytes) -> None:
        self.filename, self.file = "../photo.jpg", io.BytesIO(content)


class Address(os.PathLike[bytes]):
    """A path that is bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self._path)


def starlettes(content: bytes) -> UploadFile:
    return UploadFile(io.BytesIO(content), filename=r"C:\photos\photo.jpg", size=len(content))


@pytest.mark.parametrize(
    ("make", "name", "replayable"),
    [
        pytest.param(starlettes, "photo.jpg", True, id="Starlette"),
        pytest.param(lambda content: FileStorage(io.BytesIO(content), "a/photo.jpg"), "photo.jpg", True, id="Werkzeug"),
        pytest.param(FieldFile, "photo.jpg", True, id="aiohttp"),
        pytest.param(AsyncFile, "photo.jpg", False, id="an async file"),
        pytest.param(Reader, "file", False, id="only read"),
        pytest.param(bytearray, "file", True, id="bytearray"),
        pytest.param(lambda content: memoryview(content).cast("I"), "file", True, id="a view of numbers"),
    ],
)
async def test_whatever_holds_bytes_is_sent(make: Callable[[bytes], FileInput], name: str, replayable: bool):
    content = b"0123456789abcdef"
    upload = Upload(make(content))
    assert upload.file_name == name
    assert await sent(upload) == content
    assert upload.replayable is replayable


async def test_a_view_with_gaps_is_sent_as_it_reads():
    assert await sent(Upload(memoryview(b"0123456789")[::2])) == b"02468"


async def test_a_path_may_be_bytes(tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(b"abc")
    upload = Upload(cast("os.PathLike[str]", Address(tmp_path / "photo.jpg")))
    assert (upload.file_name, await sent(upload)) == ("photo.jpg", b"abc")


def test_an_upload_of_a_framework_is_sent_from_where_it_stands():
    file = starlettes(b"0123456789")
    file.file.seek(4)
    assert Upload(file).size == 6


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_text_that_is_no_path_is_refused(path: str):
    with pytest.raises(InputNotFoundError, match="is no path"):
        Upload(path)


def test_text_and_closed_files_are_refused_before_anything_is_sent(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"hello")
    with path.open(encoding="utf-8") as text, pytest.raises(InvalidParameterError, match=r"open as text.*'rb'"):
        Upload(text)  # type: ignore[arg-type]  # what somebody without a type checker does
    with pytest.raises(InvalidParameterError, match="open as text"):
        Upload(io.StringIO("hello"))  # type: ignore[arg-type]
    with path.open("rb") as file:
        upload = Upload(file)
    with pytest.raises(InputFileError, match="is closed"):
        Upload(file)
    with pytest.raises(InputFileError, match=r"cannot read notes\.txt: "):
        asyncio.run(sent(upload))
    with path.open("wb") as written, pytest.raises(InputFileError, match="open for writing"):
        Upload(written)


@pytest.mark.parametrize("source", [["a"], (b"a" for _ in "a"), 1.5, object(), {"file": b"a"}, None])
def test_what_holds_no_bytes_is_refused(source: object):
    with pytest.raises(InvalidParameterError, match="cannot be sent"):
        Upload(source)  # type: ignore[arg-type]


class Text(Reader):
    def __init__(self) -> None:
        self.read = io.StringIO("hello").read  # type: ignore[assignment]


class Strange:
    def read(self) -> bytes:
        return b"all of it"


async def text_in_pieces() -> AsyncIterator[str]:
    yield "hello"


@pytest.mark.parametrize(
    ("source", "said"), [(Text(), "gives str"), (text_in_pieces(), "gives str"), (Strange(), "cannot read file: ")]
)
async def test_what_turns_out_to_hold_no_bytes_is_an_error_of_ours(source: FileInput, said: str):
    with pytest.raises(InputFileError, match=said):
        await sent(Upload(source))


async def test_an_error_of_the_callers_own_pieces_stays_theirs():
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as error:
        await sent(Upload(broken()))
    assert not isinstance(error.value, InputFileError)


@pytest.mark.parametrize(
    "url",
    [
        httpx.URL("https://example.org/photo.jpg?size=1"),
        urlsplit("https://example.org/photo.jpg?size=1"),
        urlparse("https://example.org/photo.jpg?size=1"),
        starlette.datastructures.URL("https://example.org/photo.jpg?size=1"),
        pydantic.HttpUrl("https://example.org/photo.jpg?size=1"),
    ],
    ids=["httpx", "urlsplit", "urlparse", "starlette", "pydantic"],
)
def test_a_url_object_is_a_url(url: object):
    content, name = content_of(url)
    assert isinstance(content, RemoteFile)
    assert (name, name_of(url), is_url(url)) == ("photo.jpg", "https://example.org/photo.jpg?size=1", True)


def test_a_url_object_of_another_scheme_is_refused():
    with pytest.raises(InvalidParameterError, match="ftp is not http, https or data"):
        content_of(httpx.URL("ftp://example.org/photo.jpg"))
