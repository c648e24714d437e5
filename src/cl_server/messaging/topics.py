"""The MQTT topics of the server and their messages, defined once for the code, the spec and the brokers.

The spec contains them as `x-events`, and the access lists of the brokers are made from the same lines.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from cl_server.schemas import JobEvent, WorkerCapability

if TYPE_CHECKING:
    from cl_ml_tools.schemas import JSONObject

_PARAMETER = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Topic:
    """Messages of one kind.

    `name` has its variable levels in braces, such as `inference/workers/{worker_id}`. Every message is published with
    QoS 1 (MQTT 3.1.1 §4.3.2); a `retained` one reaches those who subscribe later.
    """

    name: str
    payload: type[BaseModel]
    description: str
    retained: bool = False

    @property
    def filter(self) -> str:
        """What to subscribe to for all of it (MQTT 3.1.1 §4.7.1)."""
        return _PARAMETER.sub("+", self.name)

    def of(self, value: str) -> str:
        """The topic of one sender."""
        return _PARAMETER.sub(value, self.name)

    def value_in(self, topic: str) -> str | None:
        """What stands in place of the braces; `None` for a topic of another kind."""
        before, _, after = self.filter.partition("+")
        inside = topic.removeprefix(before).removesuffix(after)
        return inside if topic == f"{before}{inside}{after}" and inside and "/" not in inside else None

    def document(self, ref: str) -> "JSONObject":
        """The entry in `x-events` of the spec. `ref` leads to a schema, with `{model}` for its name."""
        return {
            "topic": self.name,
            "description": self.description,
            "payload": {"$ref": ref.format(model=self.payload.__name__)},
            "qos": 1,
            "retained": self.retained,
        }


EVENTS = Topic("inference/events", JobEvent, "Every transition and every progress of every job.")
WORKERS = Topic(
    "inference/workers/{worker_id}",
    WorkerCapability,
    "What a worker can run. An empty message means that the worker has ended.",
    retained=True,
)
TOPICS = (EVENTS, WORKERS)


def readable() -> str:
    """The lines of a Mosquitto access list that permit listening (mosquitto.conf(5), `acl_file`)."""
    return "".join(f"topic read {topic.filter}\n" for topic in TOPICS)


def writable() -> str:
    """The line that lets the servers publish and listen below every topic that they have."""
    roots = dict.fromkeys(topic.name.partition("/")[0] for topic in TOPICS)
    return "".join(f"topic readwrite {root}/#\n" for root in roots)
