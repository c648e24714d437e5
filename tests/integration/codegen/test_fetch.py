"""`cl-codegen fetch`, against real servers and what may stand in their place."""

import contextlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cl_codegen.faults import FetchError
from cl_codegen.spec import fetch as fetching
from cl_codegen.spec.fetch import fetch
from cl_codegen.spec.spec import SpecError
from cl_server.embedded import LocalStack
from tests.codegen_server.command import run
from tests.codegen_server.folders import ROOT

OPENAPI = b'{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}'


@contextlib.contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that has one answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_running_server_gives_the_bytes_that_it_exports_by_itself(local_stack: LocalStack, tmp_path: Path):
    shutil.copytree(ROOT / "openapi", tmp_path / "openapi")
    before = (tmp_path / "openapi" / "compute.json").read_bytes()
    ran = run("fetch", "--compute", local_stack.compute_url, "--openapi", tmp_path / "openapi")
    assert ran.returncode == 0, ran.stderr
    assert "compute.json: as it was" in ran.stdout
    (tmp_path / "openapi" / "compute.json").unlink()
    ran = run("fetch", "--compute", f"{local_stack.compute_url}/", "--openapi", tmp_path / "openapi")
    assert "compute.json: changed" in ran.stdout
    assert (tmp_path / "openapi" / "compute.json").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "openapi").iterdir()) == sorted(
        path.name for path in (ROOT / "openapi").iterdir()
    )


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"{}", "the server answers 404 Not Found; is this the address of the server?"),
        (401, b"{}", "the server answers 401 Unauthorized"),
        (200, b"<html>", "line 1, column 1: not JSON"),
        (200, b"\xff\xfe", "not text in UTF-8"),
        (200, b"[]", "#: expected an OpenAPI document, which is an object"),
        (200, b'{"swagger": "2.0"}', "#/swagger: this is Swagger 2.0, and expected is OpenAPI 3"),
        (200, b'{"info": {}}', "#: expected the member 'openapi'"),
        (200, OPENAPI.replace(b'"t"', b'"\\ud800"'), "contains text that isn't Unicode"),
    ],
)
def test_what_is_no_document_is_one_line_and_nothing_is_written(tmp_path, status, body, said):
    with answering(status, body) as url, answering(200, OPENAPI) as good:
        with pytest.raises((FetchError, SpecError)) as raised:
            fetch({"auth": good, "compute": url}, tmp_path / "openapi")
        assert str(raised.value).startswith(f"{url}/openapi.json: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "openapi").exists()


def test_a_document_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "LARGEST", 10)
    with answering(200, OPENAPI) as url, pytest.raises(FetchError, match="larger than"):
        fetch({"compute": url}, tmp_path)


def test_an_address_of_a_document_is_taken_as_it_is(tmp_path):
    with answering(200, OPENAPI) as url:
        (one,) = fetch({"compute": f"{url}/v2/spec.json"}, tmp_path)
    assert one.url.endswith("/v2/spec.json")
    assert one.changed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--compute", "http://127.0.0.1:1"], "http://127.0.0.1:1/openapi.json: cannot be reached: "),
        (["--compute", "localhost:8002"], "localhost:8002/openapi.json: not an address: write http://host:port"),
        ([], "fetch from where? Give --compute URL"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(tmp_path, arguments, said):
    ran = run("fetch", *arguments, "--openapi", tmp_path / "openapi")
    assert ran.returncode == 2
    assert ran.stderr.startswith(said)
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "openapi").exists()


def test_what_a_document_refers_to_on_this_and_other_hosts_is_a_part_of_what_is_kept(tmp_path: Path):
    pet = b'{"type": "object", "properties": {"name": {"type": "string"}}}'
    secret = tmp_path / "secret.json"
    secret.write_bytes(pet)
    with answering(200, pet) as other:
        answers = {
            code: {"description": "", "content": {"application/json": {"schema": {"$ref": target}}}}
            for code, target in (("200", f"{other}/pet.json"), ("500", secret.as_uri()))
        }
        document = json.loads(OPENAPI) | {"paths": {"/pets": {"get": {"operationId": "p", "responses": answers}}}}
        with answering(200, json.dumps(document).encode()) as url:
            (kept,) = fetch({"compute": url}, tmp_path / "openapi")
    found = json.loads(kept.path.read_text())
    schemas = [
        one["content"]["application/json"]["schema"] for one in found["paths"]["/pets"]["get"]["responses"].values()
    ]
    assert schemas[0] == {"$ref": "#/components/schemas/pet"}
    assert found["components"]["schemas"]["pet"] == json.loads(pet)
    assert schemas[1] == {"$ref": secret.as_uri()}
