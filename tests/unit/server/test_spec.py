import json
from pathlib import Path

import pytest

from cl_server import spec_files
from cl_server.__main__ import main


@pytest.fixture(scope="module")
def exported() -> dict[str, str]:
    """What the servers say, asked once: the documents are made of all their routes each time."""
    return spec_files.export()


def test_the_same_servers_give_the_same_bytes(exported: dict[str, str]) -> None:
    assert spec_files.export() == exported


def test_the_exported_document_is_what_the_servers_say() -> None:
    assert spec_files.check(Path("openapi")) == ""


def test_a_difference_is_shown_and_fails(
    exported: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spec_files, "export", lambda: exported)
    assert main(["spec", str(tmp_path)]) == 0
    assert main(["spec", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'compute.json'}\nwrote {tmp_path / 'auth.json'}\n"
    assert main(["spec", str(tmp_path), "--check"]) == 0
    path = tmp_path / "compute.json"
    path.write_text(path.read_text("utf-8").replace('"create_hash_job"', '"create_hush_job"'), "utf-8")
    assert main(["spec", "--check", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "create_hush_job" in shown.out
    assert "make spec generate" in shown.err
    path.unlink()
    assert main(["spec", "--check", str(tmp_path)]) == 1


@pytest.mark.parametrize("name", ["compute.json", "auth.json"])
def test_every_reference_leads_somewhere(exported: dict[str, str], name: str) -> None:
    text = exported[name]
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(json.loads(text)["components"]["schemas"])


def test_messages_are_schemas_too(exported: dict[str, str]) -> None:
    document = json.loads(exported["compute.json"])
    assert {"JobEvent", "WorkerCapability", "JobResponse", "ErrorResponse"} <= set(document["components"]["schemas"])


def test_every_submit_names_its_task_and_output(exported: dict[str, str]) -> None:
    document = json.loads(exported["compute.json"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if operation["operationId"].startswith("create_"):
                task = path.removeprefix("/jobs/")
                assert operation["operationId"] == f"create_{task}_job"
                assert operation["x-task-type"] == task
                output = operation["x-task-output"]["$ref"].rpartition("/")[2]
                assert output in document["components"]["schemas"]
