"""Asks a server of this machine how it is."""

import http.client
import json
from typing import cast

# Its socket may be open before it is there, so a question may wait; not for ever, because it may have died. Seconds.
ANSWER = 2.0


def get(url: str, path: str) -> dict[str, object] | None:
    """The JSON object that it answers with 200; `None` where it does not."""
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
