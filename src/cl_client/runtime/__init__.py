"""What generated code can import: these names, the parts of a command line in `program`, and the errors of
`cl_client.errors`. Everything else can change without generating a package again.

A name is imported when it is used. If you add, change or remove one, increase `VERSION`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cl_client.lazy_names import lazy_names as lazy_names
from cl_client.version import __version__

VERSION: Final = 4
"""The version of this list. A generated package names the version that it was made for."""
OLDEST: Final = 2
"""The oldest version whose packages still work: raised to `VERSION` when a name is changed or removed."""


def made_for(version: int, package: str) -> None:
    """Check that a generated package fits. The package calls it when it is imported.

    Raises:
        ImportError: The package was made for a version that is too old or too new for this runtime.
    """
    if not OLDEST <= version <= VERSION:
        what = "install a newer cl-client, or " if version > VERSION else ""
        known = "runtime " + " to ".join(dict.fromkeys((str(OLDEST), str(VERSION))))
        raise ImportError(
            f"{package} was made for runtime {version}, and cl-client {__version__} has {known}: "
            f"{what}generate the package again with `cl-codegen generate`",
            name=package,
        )


if TYPE_CHECKING:
    from cl_client.accounts.session_store import SessionStore as SessionStore
    from cl_client.accounts.user import UserCreateRequest as UserCreateRequest
    from cl_client.accounts.user import UserUpdateRequest as UserUpdateRequest
    from cl_client.batch.run import Outcome as Outcome
    from cl_client.batch.run import as_completed as as_completed
    from cl_client.config.defaults import ConnectionLimits as ConnectionLimits
    from cl_client.config.defaults import Timeouts as Timeouts
    from cl_client.config.servers import ServerConfig as ServerConfig
    from cl_client.files.download import DownloadCallback as DownloadCallback
    from cl_client.files.open_file import Writable as Writable
    from cl_client.http.auth import AuthProvider as AuthProvider
    from cl_client.http.library import Response as Response
    from cl_client.http.options import HttpOptions as HttpOptions
    from cl_client.http.stored_file import UploadRoute as UploadRoute
    from cl_client.http.upload import FileInput as FileInput
    from cl_client.http.upload import Upload as Upload
    from cl_client.http.upload import UploadCallback as UploadCallback
    from cl_client.job_client import EmbeddingClient as EmbeddingClient
    from cl_client.job_client import JobClient as JobClient
    from cl_client.jobs.collection import JobCallback as JobCallback
    from cl_client.jobs.collection import Jobs as Jobs
    from cl_client.jobs.follow import NOT_FOLLOWED as NOT_FOLLOWED
    from cl_client.jobs.follow import Follow as Follow
    from cl_client.jobs.handle import Job as Job
    from cl_client.jobs.operation import Operation as Operation
    from cl_client.jobs.operation import Parameter as Parameter
    from cl_client.jobs.operation import routed as routed
    from cl_client.jobs.operation import without_body as without_body
    from cl_client.jobs.operation import without_key as without_key
    from cl_client.loops.portal import Door as Door
    from cl_client.loops.portal import Portal as Portal
    from cl_client.loops.portal import Twin as Twin
    from cl_client.loops.portal import awaitable_method as awaitable_method
    from cl_client.loops.portal import behind as behind
    from cl_client.loops.portal import in_thread as in_thread
    from cl_client.loops.portal import unwrapped as unwrapped
    from cl_client.model import Capabilities as Capabilities
    from cl_client.model import JobFile as JobFile
    from cl_client.model import JobLog as JobLog
    from cl_client.model import JobResponse as JobResponse
    from cl_client.model import JobState as JobState
    from cl_client.model import LogLine as LogLine
    from cl_client.model import WorkerState as WorkerState
    from cl_client.runtime.command import Bounds as Bounds
    from cl_client.runtime.command import Entry as Entry
    from cl_client.runtime.command import JobOptions as JobOptions
    from cl_client.runtime.command import JobRunner as JobRunner
    from cl_client.runtime.command import LabelledJobOptions as LabelledJobOptions
    from cl_client.runtime.command import Place as Place
    from cl_client.runtime.command import PlainJobOptions as PlainJobOptions
    from cl_client.runtime.command import by_suffix as by_suffix
    from cl_client.runtime.command import given as given
    from cl_client.runtime.command import json_option as json_option
    from cl_client.runtime.command import read_option as read_option
    from cl_client.runtime.command import source as source
    from cl_client.runtime.operation_command import OperationRunner as OperationRunner
    from cl_client.runtime.operation_command import body_option as body_option
    from cl_client.runtime.operation_command import read_text as read_text
    from cl_client.runtime.operations import OperationGroup as OperationGroup
    from cl_client.runtime.operations import content as content
    from cl_client.runtime.plugin import PluginClient as PluginClient
    from cl_client.runtime.plugin import upload as upload
    from cl_client.runtime.server_client import ServerClient as ServerClient
    from cl_client.runtime.service_clients import Service as Service
    from cl_client.runtime.service_clients import ServiceClients as ServiceClients
    from cl_client.runtime.sign_in import Scheme as Scheme
    from cl_client.runtime.signed_client import SignedJobClient as SignedJobClient
    from cl_client.runtime.streams import ServerEvent as ServerEvent
    from cl_client.runtime.view import FacesView as FacesView
    from cl_client.runtime.view import PictureView as PictureView
    from cl_client.runtime.view import TableView as TableView
    from cl_client.server.contract import Contract as Contract
    from cl_client.server.contract import FileList as FileList
    from cl_client.server.contract import JobBatch as JobBatch
    from cl_client.server.contract import JobList as JobList
    from cl_client.server.contract import WorkerCounts as WorkerCounts
    from cl_client.watching.topic_message import TopicMessage as TopicMessage
    from cl_client.watching.watch import Watch as Watch
    from cl_client.watching.workers import WorkerCallback as WorkerCallback
    from cl_client.watching.workers import Workers as Workers
    from cl_client.wire.client import Client as Client
    from cl_client.wire.errors import BadResponseError as BadResponseError
    from cl_client.wire.errors import StatusError as StatusError
    from cl_client.wire.errors import WireError as WireError
    from cl_client.wire.errors import read_anything as read_anything
    from cl_client.wire.errors import read_json as read_json
    from cl_client.wire.errors import read_model as read_model
    from cl_client.wire.errors import read_value as read_value
    from cl_client.wire.errors import status_error as status_error
    from cl_client.wire.model import FormModel as FormModel
    from cl_client.wire.model import UrlencodedModel as UrlencodedModel
    from cl_client.wire.model import WireModel as WireModel
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
    from cl_client.wire.types import json_lines as json_lines
    from cl_client.wire.types import json_value as json_value
    from cl_client.wire.types import of_length as of_length
    from cl_client.wire.types import only_files as only_files
    from cl_client.wire.types import path_part as path_part
    from cl_client.wire.types import path_segment as path_segment
    from cl_client.wire.types import query_part as query_part
    from cl_client.wire.types import read_body as read_body
    from cl_client.wire.types import rfc3339 as rfc3339
    from cl_client.wire.types import text_fields as text_fields
    from cl_client.wire.types import unexpected as unexpected
    from cl_client.wire.types import with_query as with_query
    from cl_client.wire.types import without_files as without_files
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "cl_client.accounts.session_store": "SessionStore",
            "cl_client.accounts.user": "UserCreateRequest UserUpdateRequest",
            "cl_client.batch.run": "Outcome as_completed",
            "cl_client.config.defaults": "ConnectionLimits Timeouts",
            "cl_client.config.servers": "ServerConfig",
            "cl_client.files.download": "DownloadCallback",
            "cl_client.files.open_file": "Writable",
            "cl_client.http.auth": "AuthProvider",
            "cl_client.http.library": "Response",
            "cl_client.http.options": "HttpOptions",
            "cl_client.http.stored_file": "UploadRoute",
            "cl_client.http.upload": "FileInput Upload UploadCallback",
            "cl_client.job_client": "EmbeddingClient JobClient",
            "cl_client.jobs.collection": "JobCallback Jobs",
            "cl_client.jobs.follow": "NOT_FOLLOWED Follow",
            "cl_client.jobs.handle": "Job",
            "cl_client.jobs.operation": "Operation Parameter routed without_body without_key",
            "cl_client.loops.portal": "Door Portal Twin awaitable_method behind in_thread unwrapped",
            "cl_client.model": "Capabilities JobFile JobLog JobResponse JobState LogLine WorkerState",
            "cl_client.runtime.command": (
                "Bounds Entry JobOptions JobRunner LabelledJobOptions Place PlainJobOptions by_suffix given "
                "json_option read_option source"
            ),
            "cl_client.runtime.operation_command": "OperationRunner body_option read_text",
            "cl_client.runtime.operations": "OperationGroup content",
            "cl_client.runtime.plugin": "PluginClient upload",
            "cl_client.runtime.server_client": "ServerClient",
            "cl_client.runtime.service_clients": "Service ServiceClients",
            "cl_client.runtime.sign_in": "Scheme",
            "cl_client.runtime.signed_client": "SignedJobClient",
            "cl_client.runtime.streams": "ServerEvent",
            "cl_client.runtime.view": "FacesView PictureView TableView",
            "cl_client.server.contract": "Contract FileList JobBatch JobList WorkerCounts",
            "cl_client.watching.topic_message": "TopicMessage",
            "cl_client.watching.watch": "Watch",
            "cl_client.watching.workers": "WorkerCallback Workers",
            "cl_client.wire.client": "Client",
            "cl_client.wire.errors": "BadResponseError StatusError WireError read_anything read_json read_model "
            "read_value status_error",
            "cl_client.wire.model": "FormModel UrlencodedModel WireModel",
            "cl_client.wire.types": "UNSET Call File FileContent FilePart JSONObject JSONValue Readable Streamed Unset "
            "closest_of file_parts header_fields joined json_fields json_lines json_value of_length only_files "
            "path_part path_segment query_part read_body rfc3339 text_fields unexpected with_query without_files",
        },
    )
