import json
from pathlib import Path

import pytest

from cl_server import spec_files
from cl_server.__main__ import main


def test_the_same_servers_give_the_same_bytes() -> None:
    assert spec_files.export() == spec_files.export()


def test_the_exported_document_is_what_the_servers_say() -> None:
    assert spec_files.check(Path("openapi")) == ""


def test_a_difference_is_shown_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
def test_every_reference_leads_somewhere(name: str) -> None:
    text = spec_files.export()[name]
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(json.loads(text)["components"]["schemas"])


def test_messages_are_schemas_too() -> None:
    document = json.loads(spec_files.export()["compute.json"])
    assert {"JobEvent", "WorkerCapability", "JobResponse", "ErrorResponse"} <= set(document["components"]["schemas"])


def test_every_submit_names_its_task_and_output() -> None:
    document = json.loads(spec_files.export()["compute.json"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if operation["operationId"].startswith("create_"):
                task = path.removeprefix("/jobs/")
                assert operation["operationId"] == f"create_{task}_job"
                assert operation["x-task-type"] == task
                output = operation["x-task-output"]["$ref"].rpartition("/")[2]
                assert output in document["components"]["schemas"]
