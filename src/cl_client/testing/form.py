"""What was submitted to a fake server: the multipart form, read to the byte (RFC 7578)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email import message_from_string
from email.message import Message

from attrs import field, frozen


@frozen
class Upload:
    """A file that was sent.

    Attributes:
        name: the file name that came with it.
        content: its bytes.
    """

    name: str
    content: bytes


@frozen
class Submission:
    """A submit, as it came.

    Attributes:
        task_type: the kind of job that was asked for.
        fields: the parameters, as text; of a field that came more than once, the last.
        files: the files by the name of their field, which is `file` for most plugins.
        headers: of the request, by their names in small letters.
        job_id: the job that came of it; `None` where it was refused.
        labels: of the job, by their names.
    """

    task_type: str
    fields: Mapping[str, str]
    files: Mapping[str, Upload]
    headers: Mapping[str, str]
    job_id: str | None
    labels: Mapping[str, str] = field(factory=dict[str, str])


def read_form(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, Upload]]:
    """The fields and the files of a multipart body; none in a body of another kind."""
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for head, content in _parts(content_type, body):
        name = str(head.get_param("name", "", "content-disposition"))
        file_name = head.get_filename()
        if file_name is None:
            fields[name] = content.decode()
        else:
            # The only character that our client and browsers escape, and that a name may have.
            files[name] = Upload(file_name.replace("%22", '"'), content)
    return fields, files


def _parts(content_type: str, body: bytes) -> Iterator[tuple[Message, bytes]]:
    boundary = _head(f"Content-Type: {content_type}".encode()).get_boundary()
    if boundary is None:
        return
    # Text before the first boundary and after the last one is ignored.
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        yield _head(head.lstrip()), content


def _head(lines: bytes) -> Message:
    # Names are UTF-8 as they are (RFC 7578 §5.1).
    return message_from_string(lines.decode(errors="replace") + "\r\n\r\n")
