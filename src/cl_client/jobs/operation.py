"""What the generated code says of a job operation: how to send it, how to read its output, and what it accepts."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from attrs import evolve, frozen

from cl_client.errors import InvalidParameterError, UnsupportedError
from cl_client.http.idempotency import HEADER
from cl_client.http.multipart import Multipart
from cl_client.jobs.plain_value import plain
from cl_client.server.contract import Answer
from cl_client.wire.client import Client
from cl_client.wire.errors import read_json
from cl_client.wire.types import UNSET, JSONObject, JSONValue, Unset

Body = TypeVar("Body")
BodyIn = TypeVar("BodyIn", contravariant=True)
Output = TypeVar("Output")


class Send(Protocol[BodyIn]):
    """The `asyncio` function of a generated endpoint that creates a job."""

    def __call__(
        self, *, client: Client, body: BodyIn, idempotency_key: str | Unset = ...
    ) -> Awaitable[Answer | JSONValue]: ...


class SendLabelled(Protocol[BodyIn]):
    """The same, of a server whose jobs can have labels."""

    def __call__(
        self, *, client: Client, body: BodyIn, idempotency_key: str | Unset = ..., label: list[str]
    ) -> Awaitable[Answer | JSONValue]: ...


class SendWithoutKey(Protocol[BodyIn]):
    """The same, of a server that keeps no keys."""

    def __call__(self, *, client: Client, body: BodyIn) -> Awaitable[Answer | JSONValue]: ...


def without_key(send: SendWithoutKey[Body]) -> Send[Body]:
    """Such an endpoint as the others are called: the key stays here, so what may have arrived is not sent again."""

    def send_without(
        *, client: Client, body: Body, idempotency_key: str | Unset | None = UNSET
    ) -> Awaitable[Answer | JSONValue]:
        del idempotency_key
        return send(client=client, body=body)

    return send_without


class SendWithoutBody(Protocol):
    """An endpoint that takes nothing but what is in its route."""

    def __call__(self, *, client: Client) -> Awaitable[Answer | JSONValue]: ...


def without_body(send: SendWithoutBody) -> SendWithoutKey[None]:
    """Such an endpoint as the others are called."""

    def send_without(*, client: Client, body: None) -> Awaitable[Answer | JSONValue]:
        del body
        return send(client=client)

    return send_without


async def routed(*, client: Client, body: object, idempotency_key: str | Unset | None = UNSET) -> JSONValue:
    """Stands for an endpoint whose route has parameters of its own: only a call of the plugin's method has them.

    Raises:
        UnsupportedError: always; see `Operation.sent_by`.
    """
    raise UnsupportedError("the route of these jobs has parameters of its own: use the method of the plugin")


class SendPosted(Protocol):
    """As `Send` and as `SendLabelled`."""

    def __call__(
        self,
        *,
        client: Client,
        body: Multipart | JSONObject,
        idempotency_key: str | Unset | None = ...,
        label: Sequence[str] = ...,
    ) -> Awaitable[Answer | JSONValue]: ...


def posted(path: str) -> SendPosted:
    """Stands for an endpoint that there is no generated code for: its jobs are posted there, as a form or as JSON."""

    async def send(
        *,
        client: Client,
        body: Multipart | JSONObject,
        idempotency_key: str | Unset | None = UNSET,
        label: Sequence[str] = (),
    ) -> JSONValue:
        headers = {HEADER: idempotency_key} if isinstance(idempotency_key, str) else {}
        params = {"label": list(label)} if label else None
        http = client.get_async_httpx_client()
        if isinstance(body, Multipart):
            return read_json(await http.post(path, content=body, headers=headers, params=params))
        return read_json(await http.post(path, json=body, headers=headers, params=params))

    return send


@frozen(kw_only=True)
class Parameter:
    """A parameter and its bounds, as JSON Schema (validation, 2020-12, §6) gives them. Checked before the upload.

    Attributes:
        name: in Python and on the command line.
        wire: in the request, where it differs.
    """

    name: str
    wire: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    choices: tuple[JSONValue, ...] = ()

    def check(self, value: object) -> None:
        """Hold a value against the bounds.

        Raises:
            InvalidParameterError: names the parameter, the value and the bound.
        """
        if self.choices and value not in self.choices:
            self._refuse(value, "one of " + ", ".join(str(choice) for choice in self.choices))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self._check_number(value)
        if isinstance(value, str):
            self._check_text(value)

    def _check_number(self, value: float) -> None:
        if self.minimum is not None and not value >= self.minimum:
            self._refuse(value, f"at least {self.minimum:g}")
        if self.maximum is not None and not value <= self.maximum:
            self._refuse(value, f"at most {self.maximum:g}")
        if self.exclusive_minimum is not None and not value > self.exclusive_minimum:
            self._refuse(value, f"more than {self.exclusive_minimum:g}")
        if self.exclusive_maximum is not None and not value < self.exclusive_maximum:
            self._refuse(value, f"less than {self.exclusive_maximum:g}")

    def _check_text(self, value: str) -> None:
        if self.min_length is not None and len(value) < self.min_length:
            self._refuse(value, f"at least {self.min_length} characters long")
        if self.max_length is not None and len(value) > self.max_length:
            self._refuse(value, f"at most {self.max_length} characters long")
        if self.pattern is not None and re.search(self.pattern, value) is None:
            self._refuse(value, f"of the form {self.pattern}")

    def _refuse(self, value: object, bound: str) -> None:
        raise InvalidParameterError(f"{self.name} is {value!r}, and has to be {bound}")


@frozen(kw_only=True)
class Operation(Generic[BodyIn, Output]):
    """A job operation of the server.

    Attributes:
        task_type: the word of the wire.
        path: where its jobs are posted.
        send: the generated endpoint.
        send_labelled: the same, where it takes labels.
        decode: makes the typed output of `task_output`.
        artifact: the field of the output that holds the path of the main file, the parameter that does
            (`params.output_path`), or that path itself (with a `/`); `None` where the output is all there is.
        parameters: with their bounds.
        within: what stands before the id of each of its jobs, where the server has routes for the jobs of each task
            (see `Contract.job`).
    """

    task_type: str
    path: str
    send: Send[BodyIn]
    decode: Callable[[Mapping[str, JSONValue]], Output]
    send_labelled: SendLabelled[BodyIn] | None = None
    artifact: str | None = None
    parameters: tuple[Parameter, ...] = ()
    within: tuple[str, ...] = ()

    def sent_by(self, send: Send[BodyIn], *within: object) -> Operation[BodyIn, Output]:
        """The same, of one call, whose endpoint knows the parameters of the route."""
        return evolve(self, send=send, within=tuple(map(str, within)))

    def check(self, **values: object) -> None:
        """Hold the values of a call against the bounds of the spec; what was not given is not checked.

        Raises:
            InvalidParameterError: a value is out of bounds.
        """
        for parameter in self.parameters:
            value = plain(values.get(parameter.name, UNSET))
            if not isinstance(value, Unset) and value is not None:
                parameter.check(value)
