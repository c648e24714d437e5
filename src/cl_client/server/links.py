"""Where a server says that a job is: addresses in its answers, such as `status_url`, `response_url` and `cancel_url`.

They may be others than the routes of its spec (a queue in front of many models has one place for the jobs of all), and
a server that returns such an address intends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from cl_client.server.fields import Fields, found
from cl_client.wire.types import JSONValue

Way = Literal["job", "result", "cancel"]

_ADDRESS: Final = ("/", "http://", "https://")
"""How an address begins. A field of such a name may hold anything else."""

MOST: Final = 10_000
"""Jobs whose addresses are remembered; of older ones, the routes of the spec are asked."""


class Links:
    """The addresses that a server gave for its jobs.

    Args:
        address: makes a whole address of what an answer says; nothing, where it is that of another server, which is not
            asked: it would be sent the token for ours.
    """

    def __init__(self, address: Callable[[str], str | None]) -> None:
        self._address = address
        self._known: dict[str, dict[str, str]] = {}

    def learn(self, job_id: str, said: Mapping[str, JSONValue], fields: Fields) -> None:
        """Remember the addresses in an answer about a job."""
        for way, names in fields.items():
            for name in names:
                is_there, value = found(said, name)
                if not is_there or not isinstance(value, str) or not value.startswith(_ADDRESS):
                    continue
                if (address := self._address(value)) is not None:
                    self._known.setdefault(job_id, {})[way] = address
                    break
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def first(self, said: Mapping[str, JSONValue], names: tuple[str, ...]) -> str | None:
        """The first address in an answer that is one of this server.

        Raises:
            ValueError: all of them are those of another one.
        """
        values = (value for is_there, value in (found(said, name) for name in names) if is_there)
        addresses = [value for value in values if isinstance(value, str) and value.startswith(_ADDRESS)]
        whole = (self._address(value) for value in addresses)
        address = next((one for one in whole if one is not None), None)
        if addresses and address is None:
            raise ValueError(f"{addresses[0]} is on another server")
        return address

    def of(self, job_id: str, way: Way) -> str | None:
        """The address of a job for one thing, where the server gave one."""
        return self._known.get(job_id, {}).get(way)
