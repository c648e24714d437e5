"""What the client tells of its work: log lines, spans and metrics."""

import asyncio
import itertools
import logging
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cl_api.compute.types import JSONObject
from cl_client import (
    AuthClient,
    ComputeClient,
    JobFailedError,
    JWTAuthProvider,
    NotFoundError,
    RateLimitError,
    ServerConfig,
    ServerUnreachableError,
    WaitTimeoutError,
)
from cl_client.testing import Completes, Fails, FakeComputeServer, Refuses, StaysQueued

FILE = "output/thumbnail.jpg"
OUTPUT: JSONObject = {"thumbnail_path": FILE, "width": 4, "height": 3, "media_type": "image"}
SECRETS = ("s3cret-token", "s3cret-password", "s3cret-broker", "s3cret-proxy")


@pytest.fixture
def fake() -> Iterator[FakeComputeServer]:
    with FakeComputeServer() as server:
        yield server


@pytest.fixture
def fake_client(fake: FakeComputeServer) -> ComputeClient:
    return ComputeClient(fake.url, mqtt_broker=fake.mqtt_host, mqtt_port=fake.mqtt_port)


@pytest.fixture(scope="module")
def exporters() -> Iterator[tuple[InMemorySpanExporter, InMemoryMetricReader]]:
    """OpenTelemetry as a program sets it up, which it can do once."""
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing, metering = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    yield spans, reader
    tracing.shutdown()
    metering.shutdown()


@pytest.fixture
def spans(exporters: tuple[InMemorySpanExporter, InMemoryMetricReader]) -> InMemorySpanExporter:
    exporters[0].clear()
    return exporters[0]


def named(spans: InMemorySpanExporter, name: str) -> Sequence[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


async def test_each_request_is_one_line_by_which_the_server_finds_it(
    fake: FakeComputeServer, fake_client: ComputeClient, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, "cl_client")
    fake.script("media_thumbnail", StaysQueued(), Refuses(429))
    async with fake_client as client:
        job = await client.media_thumbnail.generate(b"pixels")
        with pytest.raises(RateLimitError) as refused:
            await client.media_thumbnail.generate(b"pixels")
        await job.refresh()
    lines = [record.getMessage() for record in caplog.records if record.name == "cl_client.http"]
    # Whether a submit may be sent again is in the spec.
    lines = [line for line in lines if "/openapi.json" not in line]
    patterns = [
        r"POST /jobs/media_thumbnail: 200 in \d+ ms \(request \w+\)",
        rf"POST /jobs/media_thumbnail: 429 in \d+ ms \(request {refused.value.request_id}\)",
        r"GET /jobs/fake-1: 200 in \d+ ms \(request \w+\)",
    ]
    assert len(lines) == len(patterns)
    assert all(re.fullmatch(pattern, line) for pattern, line in zip(patterns, lines, strict=True)), lines
    assert fake.submissions[1].headers["x-request-id"] == refused.value.request_id


async def test_neither_tokens_nor_passwords_are_logged_or_raised(
    fake: FakeComputeServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    caplog.set_level(logging.DEBUG)
    # A command line that ran in this process has set a level of its own.
    caplog.set_level(logging.DEBUG, "cl_client")
    fake.script("media_thumbnail", Completes(OUTPUT), Fails("no pixels"))
    config = ServerConfig(compute_url=fake.url.replace("//", "//ada:s3cret-proxy@"))
    config = config.with_broker(f"mqtt://ada:s3cret-broker@{fake.mqtt_host}:{fake.mqtt_port}")
    token = JWTAuthProvider("s3cret-token")
    raised: list[BaseException] = []
    async with ComputeClient(server_config=config, auth_provider=token) as client:
        await client.media_thumbnail.generate(b"pixels", wait=True)
        with pytest.raises(JobFailedError) as failed:
            await client.media_thumbnail.generate(b"pixels", wait=True)
        with pytest.raises(NotFoundError) as missing:
            await client.hash.compute(b"pixels")
        raised += [failed.value, missing.value]
    async with ComputeClient(config.compute_url, mqtt_port=fake.mqtt_port) as client:
        await client.media_thumbnail.generate(b"pixels")
    assert fake.submissions[-1].headers["authorization"].startswith("Basic ")
    async with AuthClient(fake.url) as auth:
        with pytest.raises(NotFoundError) as no_auth:
            await auth.login("ada", "s3cret-password")
    # Nobody listens there: tried again, and given up.
    monkeypatch.setattr("cl_client.http.retry.FIRST_DELAY", 0)
    away = f"http://ada:s3cret-proxy@{fake.mqtt_host}:{fake.mqtt_port}"
    async with ComputeClient(away, mqtt_port=fake.mqtt_port, auth_provider=token) as client:
        with pytest.raises(ServerUnreachableError) as unreachable:
            await client.get_capabilities()
    raised += [no_auth.value, unreachable.value]
    text = "\n".join([caplog.text, *map(str, raised), *map(repr, raised)])
    assert fake.submissions[0].headers["authorization"] == "Bearer s3cret-token"
    assert "POST /auth/token: 404" in text
    levels = {record.levelname: record.getMessage() for record in caplog.records if record.name != "cl_client.http"}
    assert "GET /capabilities" in levels["INFO"]
    assert "is tried again in" in levels["INFO"]
    assert "MQTT broker" in levels["WARNING"]
    assert [secret for secret in SECRETS if secret in text] == []


async def test_a_job_is_spans_of_submit_wait_and_download(
    fake: FakeComputeServer, fake_client: ComputeClient, spans: InMemorySpanExporter, tmp_path: Path
):
    fake.script("media_thumbnail", Completes(OUTPUT, {FILE: b"numbers"}))
    async with fake_client as client:
        job = await client.media_thumbnail.generate(b"pixels", wait=True)
        await job.download(tmp_path)
    [submit], [wait], [download] = (named(spans, f"cl_client.{step}") for step in ("submit", "wait", "download"))
    about = {"cl_client.job.id": "fake-1", "cl_client.task_type": "media_thumbnail"}
    assert submit.attributes == about
    assert wait.attributes == {**about, "cl_client.job.outcome": "completed"}
    assert download.attributes == {"cl_client.job.id": "fake-1", "cl_client.file": FILE}
    [post] = named(spans, "POST")
    port = int(fake.url.rpartition(":")[2])
    assert post.kind is SpanKind.CLIENT
    assert post.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.path": "/jobs/media_thumbnail",
    }
    assert post.parent == submit.context
    # The server can go on with the same trace.
    assert submit.context is not None
    assert post.context is not None
    told = f"00-{submit.context.trace_id:032x}-{post.context.span_id:016x}-"
    assert fake.submissions[0].headers["traceparent"].startswith(told)


async def test_trouble_is_an_error_of_its_span(
    fake: FakeComputeServer, fake_client: ComputeClient, spans: InMemorySpanExporter
):
    fake.script("media_thumbnail", Refuses(429), StaysQueued())
    async with fake_client as client:
        with pytest.raises(RateLimitError):
            await client.media_thumbnail.generate(b"pixels")
        job = await client.media_thumbnail.generate(b"pixels")
        with pytest.raises(WaitTimeoutError):
            await job.wait(0.01)
    refused = named(spans, "POST")[0]
    assert refused.status.status_code is StatusCode.ERROR
    assert refused.attributes is not None
    assert refused.attributes["http.response.status_code"] == 429
    assert refused.attributes["error.type"] == "RateLimitError"
    [wait] = named(spans, "cl_client.wait")
    assert wait.status.status_code is StatusCode.ERROR


def counted(reader: InMemoryMetricReader) -> Counter[tuple[str, object]]:
    """How many ends of `exif` jobs each metric has counted in this process, by outcome."""
    found = reader.get_metrics_data()
    points: Counter[tuple[str, object]] = Counter()
    for scope in found.resource_metrics[0].scope_metrics if found is not None else []:
        for metric in scope.metrics:
            for point in metric.data.data_points:
                assert point.attributes is not None
                assert isinstance(point, (NumberDataPoint, HistogramDataPoint))
                if point.attributes["cl_client.task_type"] == "exif":
                    number = point.value if isinstance(point, NumberDataPoint) else point.count
                    points[metric.name, point.attributes["cl_client.job.outcome"]] = int(number)
    return points


async def test_each_end_is_counted_once_however_many_hear_of_it(
    fake: FakeComputeServer,
    fake_client: ComputeClient,
    exporters: tuple[InMemorySpanExporter, InMemoryMetricReader],
):
    fake.script("exif", Completes(), Fails("no pixels"))
    before = counted(exporters[1])
    async with fake_client as client:
        job = await client.exif.extract(b"pixels")
        await asyncio.gather(*(job.wait() for _ in range(3)))
        with pytest.raises(JobFailedError):
            await (await client.exif.extract(b"pixels")).poll(0.01)
    once = dict.fromkeys(itertools.product(["cl_client.jobs", "cl_client.job.duration"], ["completed", "failed"]), 1)
    assert counted(exporters[1]) - before == once


def test_who_does_not_use_opentelemetry_does_not_import_it():
    code = """
import asyncio, sys
from cl_client import ComputeClient
from cl_client.testing.script import Completes
from cl_client.testing.fake_server import FakeComputeServer

async def main(fake):
    fake.script("exif", Completes())
    async with ComputeClient(fake.url, mqtt_broker=fake.mqtt_host, mqtt_port=fake.mqtt_port) as client:
        await client.exif.extract(b"pixels", wait=True)

with FakeComputeServer() as fake:
    asyncio.run(main(fake))
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
