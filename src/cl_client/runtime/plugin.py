"""The basis of generated plugin clients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, Generic, Never, TypeVar, cast

from cl_client.config.addresses import without_secrets
from cl_client.errors import UnsupportedError
from cl_client.http.multipart import FormField, Multipart
from cl_client.http.stored_file import StoredFile, UploadRoute
from cl_client.http.upload import FileInput, UploadCallback, as_upload
from cl_client.jobs.collection import Job, JobCallback, Jobs
from cl_client.jobs.follow import Follow
from cl_client.jobs.operation import Operation, posted
from cl_client.jobs.plain_value import as_json, plain
from cl_client.model import JobState
from cl_client.wire.types import File, JSONObject, JSONValue

Made = TypeVar("Made", covariant=True)


def upload(source: FileInput, on_progress: UploadCallback | None = None) -> File:
    """A file for a generated body. It is opened when it is sent.

    Raises:
        InputNotFoundError: The file doesn't exist.
        InputFileError: It is a folder, can't be read, or is empty.
    """
    file = as_upload(source, on_progress)
    return File(payload=file, file_name=file.file_name, mime_type=file.mime_type)


class PluginClient(Generic[Made]):
    """The base class of generated plugin clients, with untyped methods in addition to the typed ones.

    A subclass has an `operation`, or the attributes of one.
    """

    task_type: ClassVar[str]
    """The word of the wire for the plugin's jobs."""
    path: ClassVar[str]
    """Where they are posted."""
    artifact: ClassVar[str | None] = None
    """As of `Operation`."""
    sends_json: ClassVar[bool] = False
    """Whether they are posted as JSON rather than as a form."""
    takes_labels: ClassVar[bool] = False
    """Whether its jobs can have labels."""
    within: ClassVar[tuple[str, ...]] = ()
    """As of `Operation`."""
    operation: Operation[Never, Made]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        operation = cast("Operation[Never, object] | None", vars(cls).get("operation"))
        if operation is not None:
            cls.task_type, cls.path, cls.artifact = operation.task_type, operation.path, operation.artifact
            cls.within, cls.takes_labels = operation.within, operation.send_labelled is not None

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {without_secrets(self._jobs.api.base_url)}>"

    async def attach(self, job: str | JobState) -> Job[Made]:
        """Get the typed handle of a job, by its id or by a saved state. A saved state needs no request.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            InvalidParameterError: The job is of another kind.
        """
        return await self._jobs.attach(self.operation, job)

    async def _stored(self, route: UploadRoute, source: FileInput, on_progress: UploadCallback | None) -> str:
        """Get the id of a stored file. A file that isn't stored yet is uploaded.

        Raises: As `Jobs.store`.
        """
        return (
            str(source)
            if isinstance(source, StoredFile)
            else await self._jobs.store(route, as_upload(source, on_progress))
        )

    async def submit_with_files(
        self,
        files: Mapping[str, FileInput],
        params: Mapping[str, JSONValue] | None = None,
        *,
        priority: int | None = None,
        wait: bool = False,
        timeout: float | None = None,
        on_progress: JobCallback | None = None,
        on_complete: JobCallback | None = None,
        idempotency_key: str | None = None,
        cancel_with_wait: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> Job[JSONObject]:
        """Submit a job with parameters that the client doesn't know, for a server newer than the generated code.

        Args:
            files: The files by the name of the form field, usually `file`.
            params: The parameters by their wire names. `None` isn't sent. Lists and objects are sent as JSON.
            priority: 0 (lowest) to 10 (highest). Default: that of the server.
            wait, timeout, on_progress, on_complete, idempotency_key, cancel_with_wait, labels: As in the typed methods.

        Raises: As the typed methods, except `InvalidParameterError`, because only the server checks the parameters.
            `UnsupportedError` if the path of the route has parameters.
        """
        if self.sends_json:
            raise UnsupportedError(f"{self.task_type} jobs are posted as JSON, which has no files: use submit_job")
        fields: list[FormField] = []
        for name, source in files.items():
            file = as_upload(source)
            fields.append((name, file, file.file_name, file.mime_type))
        with as_json(self.task_type):
            for name, value in {**(params or {}), "priority": priority}.items():
                if value is not None:
                    fields.append((name, _form_text(value).encode(), None, None))
        follow = Follow(wait, timeout, on_progress, on_complete, idempotency_key, cancel_with_wait)
        return await self._jobs.submit(self._untyped(), Multipart(fields), follow, labels)

    async def submit_job(
        self,
        params: Mapping[str, JSONValue],
        *,
        priority: int | None = None,
        wait: bool = False,
        timeout: float | None = None,
        on_progress: JobCallback | None = None,
        on_complete: JobCallback | None = None,
        idempotency_key: str | None = None,
        cancel_with_wait: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> Job[JSONObject]:
        """Submit a job without a file. Otherwise, the same as `submit_with_files`."""
        if self.sends_json:
            body: JSONObject = {**params, **({} if priority is None else {"priority": priority})}
            follow = Follow(wait, timeout, on_progress, on_complete, idempotency_key, cancel_with_wait)
            return await self._jobs.submit(self._untyped(), body, follow, labels)
        return await self.submit_with_files(
            {},
            params,
            priority=priority,
            wait=wait,
            timeout=timeout,
            on_progress=on_progress,
            on_complete=on_complete,
            idempotency_key=idempotency_key,
            cancel_with_wait=cancel_with_wait,
            labels=labels,
        )

    def _untyped(self) -> Operation[Multipart | JSONObject, JSONObject]:
        if "{" in self.path:
            raise UnsupportedError(f"{self.task_type} jobs are posted to {self.path}: use the typed method")
        send = posted(self.path)
        labelled = send if self.takes_labels else None
        return Operation(
            task_type=self.task_type,
            path=self.path,
            send=send,
            send_labelled=labelled,
            decode=dict,
            within=self.within,
        )


def _form_text(value: JSONValue) -> str:
    return value if isinstance(value, str) else json.dumps(plain(value))
