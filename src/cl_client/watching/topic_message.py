"""What comes on a topic of the broker."""

from __future__ import annotations

import json
from typing import cast

from attrs import frozen

from cl_client.errors import ResponseError
from cl_client.wire.types import JSONObject, JSONValue


@frozen
class TopicMessage:
    """A message of the MQTT broker."""

    topic: str
    """The topic, without wildcards."""
    payload: bytes
    """Empty if a retained message was removed."""

    def json(self) -> JSONObject:
        """Read the payload as a JSON object. Empty if the payload is.

        Raises:
            ResponseError: The payload isn't a JSON object.
        """
        try:
            value = cast("JSONValue", json.loads(self.payload or b"{}"))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ResponseError(f"the message of {self.topic} is not a JSON object")
        return value
