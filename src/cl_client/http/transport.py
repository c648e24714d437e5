"""The way to a server of ours: requests as `Sender` sends them, with files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cl_client.http.library import httpx
from cl_client.http.multipart import Multipart, PlainBody, form_fields
from cl_client.http.sender import BODY, Sender
from cl_client.http.upload import Upload

if TYPE_CHECKING:
    from httpx._client import UseClientDefault
    from httpx._types import (
        CookieTypes,
        HeaderTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        RequestFiles,
        TimeoutTypes,
    )


class Transport(Sender):
    """A `Sender` that streams uploads.

    A subclass of `httpx.AsyncClient` rather than a wrapper, so that generated endpoints take it as it is.
    """

    def build_request(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: object = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = httpx.USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> httpx.Request:
        """As `httpx.AsyncClient.build_request`, but a multipart body is streamed and never blocks the loop."""
        if files is not None:
            content, data = Multipart(form_fields(data, files)), None
        if isinstance(content, Upload):
            content = PlainBody(content)
        if isinstance(content, Multipart | PlainBody):
            headers = httpx.Headers(headers)
            headers.update(content.headers)
            extensions = {**(extensions or {}), BODY: content}
        return super().build_request(
            method,
            url,
            content=content,
            data=data,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            extensions=extensions,
        )
