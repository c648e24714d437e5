"""The logs of jobs: what attempts wrote, and what the queue adds."""

from cl_ml_tools.job_log import MAX_BYTES, MAX_LINES, LogPage
from cl_ml_tools.job_queue import MAX_ATTEMPTS
from tests.conformance.bench import Bench, claimed, new


def texts(page: LogPage) -> list[str]:
    return [line.text for line in page.lines]


def test_lines_are_read_while_the_job_runs_and_after_it(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    claim.log.add("info", "one\ntwo")
    assert texts(bench.queue.read_log(job_id)) == []
    assert bench.queue.write_log(claim)
    assert bench.queue.write_log(claim)
    claim.log.add("warning", "three")
    bench.clock.passes(1_500)
    assert bench.queue.complete(claim, {})
    page = bench.queue.read_log(job_id)
    assert texts(page) == ["attempt 1 started", "one", "two", "three", "completed after 1.50 s"]
    assert [line.number for line in page.lines] == [1, 2, 3, 4, 5]
    assert [line.level for line in page.lines] == ["info", "info", "info", "warning", "info"]
    assert texts(bench.queue.read_log(job_id, 4)) == ["completed after 1.50 s"]
    assert bench.queue.read_log(job_id, 5) == LogPage([], 0)


def test_a_job_that_goes_well_has_a_log_too_and_costs_no_row(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    assert texts(bench.queue.read_log(job_id)) == []
    bench.clock.passes(20)
    assert bench.queue.complete(claim, {})
    page = bench.queue.read_log(job_id)
    assert [(line.number, line.text) for line in page.lines] == [
        (1, "attempt 1 started"),
        (2, "completed after 0.02 s"),
    ]
    assert page.lines[1].at - page.lines[0].at == 20
    assert texts(bench.queue.read_log(job_id, 1)) == ["completed after 0.02 s"]
    assert texts(bench.queue.read_log(job_id, 2)) == []
    if bench.engine is not None:
        with bench.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM job_logs").scalar() == 0


def test_each_attempt_adds_to_the_log(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    claim.log.add("info", "first")
    assert bench.queue.fail(claim, "no memory", transient=True)
    bench.clock.passes(60_000)
    again = claimed(bench.queue)
    again.log.add("info", "second")
    claim.log.add("info", "of an attempt that is over")
    assert not bench.queue.write_log(claim)
    assert bench.queue.fail(again, "no such thing")
    page = bench.queue.read_log(job_id)
    assert texts(page) == [
        "attempt 1 started",
        "first",
        "attempt 1 failed: no memory; the next attempt starts in 1 s or later",
        "attempt 2 started",
        "second",
        "failed: no such thing",
    ]
    assert [line.number for line in page.lines] == [1, 2, 3, 4, 5, 6]


def test_the_log_says_that_a_worker_died(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    for _ in range(MAX_ATTEMPTS):
        claim = claimed(bench.queue)
        claim.log.add("info", "never stored")
        bench.queue.release("w0")
    said = texts(bench.queue.read_log(job_id))
    assert said[0] == "attempt 1 ended, because its worker died; the job is queued again"
    assert said[-1] == f"attempt {MAX_ATTEMPTS} ended, because its worker died; there's no further attempt"
    assert len(said) == MAX_ATTEMPTS


def test_the_log_says_that_a_job_was_given_back_or_cancelled(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    assert bench.queue.give_back(claimed(bench.queue))
    claim = claimed(bench.queue)
    assert bench.queue.cancel(job_id) is not None
    assert bench.queue.confirm_cancel(claim)
    assert texts(bench.queue.read_log(job_id)) == [
        "attempt 1 started",
        "attempt 1 ended early, because its worker had no time for it; the job is queued again",
        "attempt 1 started",
        "cancelled",
    ]


def test_the_newest_lines_are_kept_and_the_others_are_counted(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    for start in range(0, 1400, 200):
        for number in range(start + 1, start + 201):
            claim.log.add("info", f"line {number}")
        assert bench.queue.write_log(claim)
    page = bench.queue.read_log(job_id)
    assert texts(page)[-1] == "line 1400"
    assert len(page.lines) == MAX_LINES
    assert page.left_out == 1401 - MAX_LINES
    assert bench.queue.read_log(job_id, 1391).left_out == 0
    assert len(bench.queue.read_log(job_id, 1391).lines) == 10


def test_long_lines_are_bounded_together(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    for _ in range(400):
        claim.log.add("info", "é" * 5_000)
    assert bench.queue.write_log(claim)
    page = bench.queue.read_log(job_id)
    assert sum(line.size for line in page.lines) <= MAX_BYTES
    assert len(page.lines) + page.left_out == 401


def test_a_log_goes_with_its_job(bench: Bench) -> None:
    kept, gone, running = (bench.queue.add_job(new()) for _ in range(3))
    for _ in range(2):
        assert bench.queue.fail(claimed(bench.queue), "no")
    claim = claimed(bench.queue)
    claim.log.add("info", "before")
    assert bench.queue.write_log(claim)
    assert bench.queue.delete_jobs([gone]) == [gone]
    assert bench.queue.delete_job(running)
    claim.log.add("info", "after")
    assert not bench.queue.write_log(claim)
    assert texts(bench.queue.read_log(gone)) == texts(bench.queue.read_log(running)) == []
    assert len(bench.queue.read_log(kept).lines) == 2
    if bench.engine is not None:
        with bench.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM job_logs").scalar() == 1


def test_text_that_no_database_and_no_terminal_takes_is_cleaned(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    claim.log.add("info", "a\0b\x1b[31mc\ud800d\r\n\n\u202ee")
    assert bench.queue.complete(claim, {})
    assert texts(bench.queue.read_log(job_id))[1:-1] == ["a b [31mc d", " e"]
