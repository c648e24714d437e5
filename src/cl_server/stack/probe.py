"""Asks a server of this machine how it is."""

import http.client
import json
from typing import cast

# Seconds. The socket can be open before the server runs, so a request may wait, but the server may also have died.
ANSWER = 2.0


def get(url: str, path: str) -> dict[str, object] | None:
    """The JSON object of a response with status 200, or `None`."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=ANSWER)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = cast("object", json.loads(response.read()))
        return cast("dict[str, object]", body) if response.status == 200 and isinstance(body, dict) else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
