"""The jobs of a server, from the command line."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from cl_client import JobLog, LogLine
from cl_client.testing import Fails, FakeComputeServer
from cl_server.embedded import LocalStack
from tests.integration.cli.conftest import CL_CLIENT, Cli
from tests.media.photo import photo, write


@pytest.fixture
def idle(cli: Cli, idle_stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Commands for a server that does nothing with its jobs."""
    for name, value in idle_stack.environment().items():
        monkeypatch.setenv(name, value)
    write(tmp_path / "photo.jpg", photo(40, 30))
    return cli


def submitted(run: Cli, command: str = "hash compute", *more: str) -> str:
    return run("-q", *command.split(), "photo.jpg", *more, "--no-wait").out.strip()


def test_jobs_are_listed_as_lines_records_or_ids(idle: Cli):
    made = [submitted(idle, "exif extract") for _ in range(3)]
    ran = idle("jobs", "list", "--task-type", "exif", "--limit", "2")
    assert [line.split()[:2] for line in ran.out.splitlines()] == [[made[2], "queued"], [made[1], "queued"]]
    records = [json.loads(line) for line in idle("jobs", "list", "--limit", "3", "--json").out.splitlines()]
    assert [record["job_id"] for record in records] == made[::-1]
    assert idle("jobs", "list", "--status", "queued", "--limit", "1", "-q").out == f"{made[2]}\n"
    assert ran.err == ""
    assert idle("jobs", "list", "--status", "tired").code == 1


def test_jobs_are_labelled_and_listed_by_label(idle: Cli, tmp_path: Path):
    (tmp_path / "batch.jsonl").write_text(
        '{"command": "hash compute", "file": "photo.jpg", "parameters": {"labels": {"cli": "batch"}}}\n'
    )
    one = submitted(idle, "hash compute", "--label", "cli=yes", "--label", "album=a b")
    submitted(idle, "hash compute", "--label", "cli=no")
    assert idle("jobs", "list", "--label", "cli=yes", "-q").out == f"{one}\n"
    assert idle("jobs", "list", "--label", "cli=yes", "--label", "album=x", "-q").out == ""
    assert idle("jobs", "list", "--label", "cli=yes").out.rstrip().endswith("cli=yes album=a b")
    assert json.loads(idle("jobs", "get", one, "--json").out)["labels"] == {"cli": "yes", "album": "a b"}
    assert ["label.album:", "a", "b"] in [line.split() for line in idle("jobs", "get", one).out.splitlines()]
    wrong = idle("hash", "compute", "photo.jpg", "--label", "summer")
    assert (wrong.code, wrong.lines[0]) == (2, "error: --label has to be NAME=VALUE, not 'summer'")
    assert idle("batch", "batch.jsonl", "--timeout", "0.5").code == 1
    assert len(idle("jobs", "list", "--label", "cli=batch", "-q").out.split()) == 1


def test_a_job_is_stopped_repeated_and_removed(idle: Cli):
    job = submitted(idle)
    assert idle("jobs", "cancel", job).out.split()[:2] == [job, "cancelled"]
    again = json.loads(idle("jobs", "retry", job, "--json").out)
    assert (again["retry_of"], again["status"]) == (job, "queued")
    assert idle("jobs", "delete", job, "-q").out == f"{job}\n"
    gone = idle("jobs", "get", job)
    assert gone.code == 1
    assert "there is no job" in gone.err


def test_one_that_fails_stops_none_of_the_others(idle: Cli):
    jobs = [submitted(idle), "nobody", submitted(idle)]
    ran = idle("jobs", "cancel", *jobs)
    assert ran.code == 1
    assert [line.split()[0] for line in ran.out.splitlines()] == [jobs[0], jobs[2]]
    assert ran.lines[0].startswith("error: nobody: there is no job")
    assert ran.lines[-1] == "error: 1 of 3 failed"


def test_removing_several_asks_and_without_a_terminal_names_yes(idle: Cli):
    jobs = [submitted(idle), submitted(idle)]
    refused = idle("jobs", "delete", *jobs)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        "error: the command can't ask, because stdin isn't a terminal: "
        "to confirm 'Delete 2 jobs and their files?', add --yes\n"
    )
    assert idle("jobs", "delete", *jobs, "--yes", "-q").out.split() == jobs


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("\n", 2), ("n\n", 2)])
def test_on_a_terminal_the_answer_decides(idle: Cli, answer: str, left: int):
    jobs = [submitted(idle), submitted(idle)]
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    ran = subprocess.run(
        [CL_CLIENT, "jobs", "delete", *jobs], stdin=theirs, capture_output=True, text=True, timeout=60, check=False
    )
    os.close(ours)
    os.close(theirs)
    question, said = ran.stderr.split("[y/N]: ")
    assert question == "Delete 2 jobs and their files? "
    assert (ran.returncode, said) == ((1, "error: no job was deleted\n") if left else (0, ""))
    assert sum(idle("jobs", "get", job).code == 0 for job in jobs) == left


def test_a_job_is_shown_with_its_result_and_its_files(cli: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", photo(40, 30))
    job = cli("-q", "media-thumbnail", "generate", "photo.jpg", "-w", "20").out.strip()
    rows = dict(line.split(":", 1) for line in cli("jobs", "get", job).out.splitlines())
    assert rows["status"].strip() == "completed"
    assert rows["params.width"].strip() == "20"
    assert rows["ended"].strip().endswith("Z")
    paths = cli("jobs", "files", job, "-q").out.split()
    assert "output/photo_thumbnail.jpg" in paths
    (made,) = [
        record
        for record in map(json.loads, cli("jobs", "files", job, "--json").out.splitlines())
        if record["path"].startswith("output/")
    ]
    assert (made["media_type"], len(made["sha256"])) == ("image/jpeg", 64)


def test_a_job_is_watched_to_its_end(cli: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", photo(40, 30))
    job = submitted(cli)
    states = [json.loads(line) for line in cli("jobs", "watch", job, "--json").out.splitlines()]
    assert [state["status"] for state in states].count("completed") == 1
    assert states[-1]["status"] == "completed"
    people = cli("jobs", "watch", job)
    assert people.lines == [f"{job}: completed"]
    assert "sha256:" in people.out


def test_the_log_of_a_job_is_shown_and_followed(cli: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", b"this is no image")
    bad = submitted(cli, "hash compute", "--algorithm", "phash")
    followed = cli("jobs", "logs", bad, "--follow")
    assert followed.code == 0
    first, last = followed.out.splitlines()
    assert first.endswith("  info     attempt 1 started")
    assert "  error    failed: photo.jpg is not an image" in last
    assert cli("jobs", "logs", bad).out == followed.out
    assert cli("jobs", "logs", bad, "--tail", "1", "-q").out.startswith("failed: photo.jpg")
    record = json.loads(cli("jobs", "logs", bad, "--tail", "1", "--json").out)
    assert (record["number"], record["level"]) == (2, "error")
    assert record["at_iso"].endswith("Z")
    assert cli("jobs", "logs", "nobody").lines[0].startswith("error: there is no job nobody")


def test_a_job_that_waits_has_an_empty_log(idle: Cli):
    job = submitted(idle)
    ran = idle("jobs", "logs", job)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"no worker has written anything about job {job} yet\n"


def test_a_command_whose_job_fails_shows_what_its_log_says_beside_the_reason(cli: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", photo(40, 30))
    with FakeComputeServer() as fake:
        fake.script("hash", Fails("no pixels"))
        fake.answers(
            "GET",
            "/jobs/{job_id}/log",
            JobLog(
                ended=True,
                lines=(
                    LogLine(number=1, text="attempt 1 started"),
                    LogLine(number=2, text="a tag is lost", level="warning"),
                    LogLine(number=3, text="failed: no pixels", level="error"),
                ),
            ).to_dict(),
        )
        ran = cli("hash", "compute", "photo.jpg", "--compute-url", fake.url)
        waited = cli("jobs", "wait", "fake-1", "--compute-url", fake.url)
        fake.script("hash", Fails("no pixels"))
        many = cli("hash", "compute", "photo.jpg", "lost.jpg", "--compute-url", fake.url)
    assert ran.code == 1
    assert [line for line in ran.lines if "fake-1" in line or line.startswith("log")] == [
        "log: warning: a tag is lost",
        "error: job fake-1 (hash) failed: no pixels",
        "hint: cl-client jobs logs fake-1",
    ]
    assert waited.lines[-4:] == [
        "error: job fake-1 failed: no pixels",
        "  log: warning: a tag is lost",
        "error: 1 of 1 did not complete",
        "hint: cl-client jobs logs fake-1",
    ]
    assert [line for line in many.lines if "pixels" in line or "log:" in line] == [
        "error: photo.jpg: no pixels",
        "  log: warning: a tag is lost",
    ]


def test_jobs_are_waited_for_and_one_that_failed_fails_the_command(cli: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", b"this is no image")
    good, bad = submitted(cli), submitted(cli, "hash compute", "--algorithm", "phash")
    ran = cli("jobs", "wait", good, bad)
    assert ran.code == 1
    assert {tuple(line.split()[:2]) for line in ran.out.splitlines()} == {(good, "completed"), (bad, "failed")}
    assert "not an image" in ran.err
    assert ran.lines[-1] == "error: 1 of 2 did not complete"
    assert cli("jobs", "wait", good, "-q").out == f"{good}\n"
    failed = cli("jobs", "watch", bad)
    assert (failed.code, failed.out) == (1, "")


def test_a_wait_that_ends_too_early_says_how_to_go_on(idle: Cli):
    job = submitted(idle)
    for verb in ("wait", "watch"):
        ran = idle("jobs", verb, job, "--timeout", "0.1")
        assert (ran.code, ran.out) == (1, "")
        assert "still queued after" in ran.err
        assert ran.lines[-1].endswith(f"cl-client jobs wait {job}")


def test_ctrl_c_says_that_nothing_was_stopped_and_how_to_come_back(idle: Cli):
    job = submitted(idle)
    command = subprocess.Popen(
        [CL_CLIENT, "jobs", "wait", job, "--debug"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stderr is not None
    while "sends events of jobs" not in command.stderr.readline():
        assert command.poll() is None
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=20)
    assert command.returncode == 130
    assert f"the jobs keep running; wait for them again: cl-client jobs wait {job}" in err


def test_workers_are_listed_with_what_they_can_do(cli: Cli):
    lines = cli("workers").out.splitlines()
    assert len(lines) == 2
    assert all("hash" in line for line in lines)
    assert all("hash" in json.loads(line)["capabilities"] for line in cli("workers", "--json").out.splitlines())
    capable = dict(line.split(maxsplit=1) for line in cli("capabilities").out.splitlines())
    assert capable["hash"].endswith("idle")
    assert json.loads(cli("capabilities", "--json").out)["num_workers"] == 2
    assert "hash" in cli("capabilities", "-q").out.split()


def test_a_broker_that_does_not_know_the_workers_is_named(cli: Cli, idle_stack: LocalStack, monkeypatch):
    monkeypatch.setattr("cl_client.cli.commands.workers._ANSWER", 0.3)
    ran = cli("workers", "--mqtt-port", str(idle_stack.mqtt_port))
    assert ran.code == 1
    assert "the server counts 2 workers, the MQTT broker" in ran.err
    assert "announces 0" in ran.err


def test_a_server_without_workers_says_so(idle: Cli):
    assert idle("workers").out == ""
    assert idle("capabilities").err == "warning: there are no workers\n"


@pytest.mark.parametrize("command", ["workers", "capabilities"])
def test_workers_are_watched_until_ctrl_c(addresses: None, local_stack: LocalStack, command: str):
    watching = subprocess.Popen(
        [CL_CLIENT, command, "--watch", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    assert "hash" in first["capabilities"]
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=20)
    assert (watching.returncode, err) == (130, "")
