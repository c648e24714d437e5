"""A server that speaks S3: moto's, over a real socket."""

import logging
from typing import Self
from uuid import uuid4

import httpx


class S3Server:
    """Serves until its block ends."""

    def __init__(self) -> None:
        # Here, because it takes half a second, and most tests need no S3.
        from moto.server import ThreadedMotoServer

        # It tells every request.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """Its endpoint."""
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def environment(self) -> dict[str, str]:
        """The variables by which it is found."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def bucket(self) -> str:
        """Make a bucket; its URL."""
        name = f"cl-{uuid4().hex}"
        httpx.put(f"{self.url}/{name}", verify=False).raise_for_status()
        return f"s3://{name}/some/prefix"
