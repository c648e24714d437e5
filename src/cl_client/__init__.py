"""Typed client of a media and machine-learning job server.

    async with ComputeClient() as client:
        job = await client.hash.compute("photo.jpg", wait=True)
        print(job.output.sha256)

Names are imported when they are used: `import cl_client` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from cl_client.version import __version__

if TYPE_CHECKING:
    from cl_api.auth.models import PublicKeyResponse, TokenResponse, UserResponse
    from cl_client.accounts.auth_client import AuthClient
    from cl_client.accounts.user import UserCreateRequest, UserUpdateRequest
    from cl_client.batch.run import Outcome, as_completed
    from cl_client.client import ComputeClient
    from cl_client.config.defaults import ComputeClientConfig, ConnectionLimits, Timeouts
    from cl_client.config.servers import ServerConfig
    from cl_client.errors import (
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ComputeClientError,
        ConflictError,
        DownloadError,
        InputFileError,
        InputNotFoundError,
        InvalidParameterError,
        JobCancelledError,
        JobFailedError,
        JobNotFoundError,
        JournalError,
        NotFoundError,
        PayloadTooLargeError,
        PermissionError,
        RateLimitError,
        RequestTimeoutError,
        ResponseError,
        ServerError,
        ServerUnreachableError,
        UnsupportedError,
        UnsupportedMediaTypeError,
        ValidationError,
        WaitTimeoutError,
        WorkerUnavailableError,
    )
    from cl_client.http.auth import AuthProvider, JWTAuthProvider, NoAuthProvider
    from cl_client.http.upload import Upload
    from cl_client.jobs.handle import Job
    from cl_client.model import (
        Capabilities,
        JobFile,
        JobResponse,
        JobState,
        WorkerCapabilitiesResponse,
        WorkerCapability,
        WorkerState,
    )
    from cl_client.monitor import MQTTJobMonitor
    from cl_client.session import SessionManager

_HOMES = {
    "cl_api.auth.models": ("PublicKeyResponse", "TokenResponse", "UserResponse"),
    "cl_client.http.auth": ("AuthProvider", "JWTAuthProvider", "NoAuthProvider"),
    "cl_client.accounts.auth_client": ("AuthClient",),
    "cl_client.batch.run": ("Outcome", "as_completed"),
    "cl_client.client": ("ComputeClient",),
    "cl_client.config": ("ComputeClientConfig", "ConnectionLimits", "ServerConfig", "Timeouts"),
    "cl_client.errors": (
        "AuthenticationError",
        "BadRequestError",
        "ClientClosedError",
        "ComputeClientError",
        "ConflictError",
        "DownloadError",
        "InputFileError",
        "InputNotFoundError",
        "InvalidParameterError",
        "JobCancelledError",
        "JobFailedError",
        "JobNotFoundError",
        "JournalError",
        "NotFoundError",
        "PayloadTooLargeError",
        "PermissionError",
        "RateLimitError",
        "RequestTimeoutError",
        "ResponseError",
        "ServerError",
        "ServerUnreachableError",
        "UnsupportedError",
        "UnsupportedMediaTypeError",
        "ValidationError",
        "WaitTimeoutError",
        "WorkerUnavailableError",
    ),
    "cl_client.jobs.handle": ("Job",),
    "cl_client.model": (
        "Capabilities",
        "JobFile",
        "JobResponse",
        "JobState",
        "WorkerCapabilitiesResponse",
        "WorkerCapability",
        "WorkerState",
    ),
    "cl_client.monitor": ("MQTTJobMonitor",),
    "cl_client.session": ("SessionManager",),
    "cl_client.accounts.user": ("UserCreateRequest", "UserUpdateRequest"),
    "cl_client.http.upload": ("Upload",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AuthClient",
    "AuthProvider",
    "AuthenticationError",
    "BadRequestError",
    "Capabilities",
    "ClientClosedError",
    "ComputeClient",
    "ComputeClientConfig",
    "ComputeClientError",
    "ConflictError",
    "ConnectionLimits",
    "DownloadError",
    "InputFileError",
    "InputNotFoundError",
    "InvalidParameterError",
    "JWTAuthProvider",
    "Job",
    "JobCancelledError",
    "JobFailedError",
    "JobFile",
    "JobNotFoundError",
    "JobResponse",
    "JobState",
    "JournalError",
    "MQTTJobMonitor",
    "NoAuthProvider",
    "NotFoundError",
    "Outcome",
    "PayloadTooLargeError",
    "PermissionError",
    "PublicKeyResponse",
    "RateLimitError",
    "RequestTimeoutError",
    "ResponseError",
    "ServerConfig",
    "ServerError",
    "ServerUnreachableError",
    "SessionManager",
    "Timeouts",
    "TokenResponse",
    "UnsupportedError",
    "UnsupportedMediaTypeError",
    "Upload",
    "UserCreateRequest",
    "UserResponse",
    "UserUpdateRequest",
    "ValidationError",
    "WaitTimeoutError",
    "WorkerCapabilitiesResponse",
    "WorkerCapability",
    "WorkerState",
    "WorkerUnavailableError",
    "__version__",
    "as_completed",
]


def __getattr__(name: str) -> object:
    if (home := _HOME_OF.get(name)) is None:
        raise AttributeError(f"module 'cl_client' has no attribute {name!r}")
    value = cast("object", getattr(importlib.import_module(home), name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
