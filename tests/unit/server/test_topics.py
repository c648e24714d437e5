"""The topics are said once: the spec, the access lists of both brokers and the processes have them from there."""

import pytest

from cl_server import openapi
from cl_server.messaging import topics
from cl_server.messaging.topics import EVENTS, TOPICS, WORKERS
from cl_server.stack import broker_files
from cl_server.stack.broker import ACCESS


def test_the_spec_says_which_messages_are_published_where() -> None:
    [events, workers] = [topic.document(openapi.REF) for topic in TOPICS]
    assert (events["topic"], events["retained"]) == ("inference/events", False)
    assert (workers["topic"], workers["retained"]) == ("inference/workers/{worker_id}", True)
    assert events["payload"] == {"$ref": "#/components/schemas/JobEvent"}
    assert workers["payload"] == {"$ref": "#/components/schemas/WorkerCapability"}


def test_the_schemas_of_all_messages_are_in_the_spec() -> None:
    assert {topic.payload.__name__ for topic in TOPICS} <= openapi.messages_and_outputs().keys()


def test_the_access_list_for_many_hosts_is_the_one_of_the_embedded_broker_for_two_accounts() -> None:
    lines = [line for line in broker_files.ACCESS.splitlines() if line and not line.startswith("#")]
    wanted = ["user server", *topics.writable().split("\n")[:-1], "user client", *topics.readable().split("\n")[:-1]]
    assert lines == wanted
    assert topics.readable() in ACCESS


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("inference/workers/w1", "w1"),
        ("inference/workers/", None),
        ("inference/workers/a/b", None),
        ("inference/events", None),
        ("other/workers/w1", None),
    ],
)
def test_the_sender_is_read_from_a_topic_of_its_kind_alone(topic: str, value: str | None) -> None:
    assert WORKERS.value_in(topic) == value


def test_what_is_published_is_what_a_subscriber_of_the_filter_hears() -> None:
    assert WORKERS.value_in(WORKERS.of("host-w0")) == "host-w0"
    assert WORKERS.filter == "inference/workers/+"
    assert EVENTS.filter == EVENTS.name
