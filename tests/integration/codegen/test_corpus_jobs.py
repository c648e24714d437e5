"""The run over other people's job APIs, held on documents that are ours: what is right, and what it has to notice."""

import json
from pathlib import Path

import pytest

from tests import corpus_jobs
from tests.codegen_server import fake_job_apis


def written(folder: Path, name: str, change=lambda spec: None) -> Path:
    spec = json.loads(json.dumps(getattr(fake_job_apis, name)().openapi()))
    change(spec)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


def test_jobs_of_a_document_are_run_from_the_submit_to_the_download(tmp_path):
    paths = [written(tmp_path, name) for name in ("documents", "crawls")]
    documents, crawls = corpus_jobs.rows(paths, tmp_path)
    assert documents.faults == crawls.faults == []
    assert documents.done == {"submit and wait": [1, 1], "failure": [1, 1], "cancel": [0, 0], "download": [1, 1]}
    assert crawls.done == {"submit and wait": [2, 2], "failure": [2, 2], "cancel": [2, 2], "download": [0, 0]}


def test_a_manifest_that_is_refused_and_one_that_is_long_are_faults(tmp_path, monkeypatch: pytest.MonkeyPatch):
    def newer(spec: dict) -> None:
        spec["components"]["schemas"]["Run"]["properties"]["status"]["enum"].append("LOST")

    monkeypatch.setattr(corpus_jobs, "MANIFESTS", tmp_path)
    (tmp_path / "endpoints.toml").write_text('[run]\noperation = "run"\n')
    (tmp_path / "queue.toml").write_text("[server.status]\n" + "".join(f"W{n} = 'failed'\n" for n in range(10)))
    paths = [written(tmp_path, "endpoints", newer), written(tmp_path, "queue")]
    endpoints, queue = corpus_jobs.rows(paths, tmp_path)
    assert ["what does 'LOST' mean?" in fault for fault in endpoints.faults] == [True]
    assert queue.faults[0] == "11 lines of a manifest"
