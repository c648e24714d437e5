"""What generated code may import of the client: these names, and the errors of `cl_client.errors`.

A name is imported when it is used. Whoever changes or removes one raises `VERSION`, which every generated package holds
against its own: code that was made for another runtime says so in one line when it is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cl_client.lazy_names import lazy_names

VERSION: Final = 1
"""Of this list: what a package is made for, it stands on."""

if TYPE_CHECKING:
    from cl_client.wire.client import Client as Client
    from cl_client.wire.errors import BadResponseError as BadResponseError
    from cl_client.wire.errors import StatusError as StatusError
    from cl_client.wire.errors import WireError as WireError
    from cl_client.wire.errors import read_anything as read_anything
    from cl_client.wire.errors import read_json as read_json
    from cl_client.wire.errors import read_model as read_model
    from cl_client.wire.errors import read_value as read_value
    from cl_client.wire.errors import status_error as status_error
    from cl_client.wire.types import UNSET as UNSET
    from cl_client.wire.types import Call as Call
    from cl_client.wire.types import File as File
    from cl_client.wire.types import FileContent as FileContent
    from cl_client.wire.types import FilePart as FilePart
    from cl_client.wire.types import JSONObject as JSONObject
    from cl_client.wire.types import JSONValue as JSONValue
    from cl_client.wire.types import Readable as Readable
    from cl_client.wire.types import Streamed as Streamed
    from cl_client.wire.types import Unset as Unset
    from cl_client.wire.types import closest_of as closest_of
    from cl_client.wire.types import file_parts as file_parts
    from cl_client.wire.types import header_fields as header_fields
    from cl_client.wire.types import joined as joined
    from cl_client.wire.types import json_fields as json_fields
    from cl_client.wire.types import json_value as json_value
    from cl_client.wire.types import of_length as of_length
    from cl_client.wire.types import only_files as only_files
    from cl_client.wire.types import path_part as path_part
    from cl_client.wire.types import path_segment as path_segment
    from cl_client.wire.types import query_part as query_part
    from cl_client.wire.types import rfc3339 as rfc3339
    from cl_client.wire.types import text_fields as text_fields
    from cl_client.wire.types import unexpected as unexpected
    from cl_client.wire.types import with_query as with_query
    from cl_client.wire.types import without_files as without_files
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "cl_client.wire.client": "Client",
            "cl_client.wire.errors": "BadResponseError StatusError WireError read_anything read_json read_model "
            "read_value status_error",
            "cl_client.wire.types": "UNSET Call File FileContent FilePart JSONObject JSONValue Readable Streamed Unset "
            "closest_of file_parts header_fields joined json_fields json_value of_length only_files "
            "path_part path_segment query_part rfc3339 text_fields unexpected with_query without_files",
        },
    )
