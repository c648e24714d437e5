"""Typed client of a media and machine-learning job server.

    async with ComputeClient() as client:
        job = await client.hash.compute("photo.jpg", wait=True)
        print(job.output.sha256)

Names are imported when you use them, so `import cl_client` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cl_client.lazy_names import lazy_names
from cl_client.version import __version__ as __version__

if TYPE_CHECKING:
    from cl_api.auth.models import PublicKeyResponse as PublicKeyResponse
    from cl_api.auth.models import TokenResponse as TokenResponse
    from cl_api.auth.models import UserResponse as UserResponse
    from cl_client.accounts.auth_client import AuthClient as AuthClient
    from cl_client.accounts.user import UserCreateRequest as UserCreateRequest
    from cl_client.accounts.user import UserUpdateRequest as UserUpdateRequest
    from cl_client.batch.run import Outcome as Outcome
    from cl_client.batch.run import as_completed as as_completed
    from cl_client.client import ComputeClient as ComputeClient
    from cl_client.config.defaults import ComputeClientConfig as ComputeClientConfig
    from cl_client.config.defaults import ConnectionLimits as ConnectionLimits
    from cl_client.config.defaults import Timeouts as Timeouts
    from cl_client.config.servers import ServerConfig as ServerConfig
    from cl_client.errors import AuthenticationError as AuthenticationError
    from cl_client.errors import BadRequestError as BadRequestError
    from cl_client.errors import CertificateError as CertificateError
    from cl_client.errors import ClientClosedError as ClientClosedError
    from cl_client.errors import ComputeClientError as ComputeClientError
    from cl_client.errors import ConflictError as ConflictError
    from cl_client.errors import DownloadError as DownloadError
    from cl_client.errors import InputFileError as InputFileError
    from cl_client.errors import InputNotFoundError as InputNotFoundError
    from cl_client.errors import InvalidParameterError as InvalidParameterError
    from cl_client.errors import JobCancelledError as JobCancelledError
    from cl_client.errors import JobFailedError as JobFailedError
    from cl_client.errors import JobNotFoundError as JobNotFoundError
    from cl_client.errors import JournalError as JournalError
    from cl_client.errors import NotFoundError as NotFoundError
    from cl_client.errors import PayloadTooLargeError as PayloadTooLargeError
    from cl_client.errors import PermissionError as PermissionError
    from cl_client.errors import RateLimitError as RateLimitError
    from cl_client.errors import RequestTimeoutError as RequestTimeoutError
    from cl_client.errors import ResponseError as ResponseError
    from cl_client.errors import ServerError as ServerError
    from cl_client.errors import ServerUnreachableError as ServerUnreachableError
    from cl_client.errors import UnsupportedError as UnsupportedError
    from cl_client.errors import UnsupportedMediaTypeError as UnsupportedMediaTypeError
    from cl_client.errors import ValidationError as ValidationError
    from cl_client.errors import WaitTimeoutError as WaitTimeoutError
    from cl_client.errors import WorkerUnavailableError as WorkerUnavailableError
    from cl_client.http.auth import AuthProvider as AuthProvider
    from cl_client.http.auth import JWTAuthProvider as JWTAuthProvider
    from cl_client.http.auth import NoAuthProvider as NoAuthProvider
    from cl_client.http.options import EventHooks as EventHooks
    from cl_client.http.options import HttpOptions as HttpOptions
    from cl_client.http.stored_file import StoredFile as StoredFile
    from cl_client.http.upload import Upload as Upload
    from cl_client.jobs.handle import Job as Job
    from cl_client.model import Capabilities as Capabilities
    from cl_client.model import JobFile as JobFile
    from cl_client.model import JobLog as JobLog
    from cl_client.model import JobResponse as JobResponse
    from cl_client.model import JobState as JobState
    from cl_client.model import LogLine as LogLine
    from cl_client.model import WorkerCapabilitiesResponse as WorkerCapabilitiesResponse
    from cl_client.model import WorkerCapability as WorkerCapability
    from cl_client.model import WorkerState as WorkerState
    from cl_client.monitor import MQTTJobMonitor as MQTTJobMonitor
    from cl_client.session import SessionManager as SessionManager
    from cl_client.watching.topic_message import TopicMessage as TopicMessage
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "cl_api.auth.models": "PublicKeyResponse TokenResponse UserResponse",
            "cl_client.accounts.auth_client": "AuthClient",
            "cl_client.accounts.user": "UserCreateRequest UserUpdateRequest",
            "cl_client.batch.run": "Outcome as_completed",
            "cl_client.client": "ComputeClient",
            "cl_client.config.defaults": "ComputeClientConfig ConnectionLimits Timeouts",
            "cl_client.config.servers": "ServerConfig",
            "cl_client.errors": "AuthenticationError BadRequestError CertificateError ClientClosedError "
            "ComputeClientError ConflictError DownloadError InputFileError InputNotFoundError InvalidParameterError "
            "JobCancelledError JobFailedError JobNotFoundError JournalError NotFoundError PayloadTooLargeError "
            "PermissionError RateLimitError RequestTimeoutError ResponseError ServerError ServerUnreachableError "
            "UnsupportedError UnsupportedMediaTypeError ValidationError WaitTimeoutError WorkerUnavailableError",
            "cl_client.http.auth": "AuthProvider JWTAuthProvider NoAuthProvider",
            "cl_client.http.options": "EventHooks HttpOptions",
            "cl_client.http.stored_file": "StoredFile",
            "cl_client.http.upload": "Upload",
            "cl_client.jobs.handle": "Job",
            "cl_client.model": "Capabilities JobFile JobLog JobResponse JobState LogLine WorkerCapabilitiesResponse "
            "WorkerCapability WorkerState",
            "cl_client.monitor": "MQTTJobMonitor",
            "cl_client.session": "SessionManager",
            "cl_client.version": "__version__",
            "cl_client.watching.topic_message": "TopicMessage",
        },
    )
