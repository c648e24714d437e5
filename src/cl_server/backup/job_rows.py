"""The rows of jobs, copied from one database to another as they were in one moment."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine, Table, func, insert, select, text

from cl_ml_tools.schemas import JobStatus
from cl_server.clock import now_ms
from cl_server.files.protocol import JobStorage
from cl_server.queue.job_transaction import requeued
from cl_server.queue.tables import (
    is_postgres,
    job_labels,
    job_logs,
    jobs,
    outbox,
    reading,
    switches,
    transitions,
    without_limit,
)

# In the order in which their rows refer to each other. Not copied: the clock of the host, the id of the database, and
# the sums of bytes, which triggers compute.
TABLES = (jobs, job_logs, job_labels, outbox, transitions, switches)
# Rows that are in memory at once.
ROWS = 500


def save(source: Engine, target: Engine) -> None:
    """Copy a consistent snapshot, while the server keeps running."""
    with _one_moment(source) as there, target.begin() as here:
        for table in TABLES:
            _add(here, table, _rows(there, table))


def load(source: Engine, target: Engine, storage: JobStorage) -> None:
    """Copy everything into an empty database, in one transaction; `storage` has the files of the jobs.

    Jobs that were running wait for a worker again, and a cancel that was on its way has come.
    """
    with reading(source).connect() as there, target.begin() as here:
        without_limit(here)
        for table in TABLES:
            rows = _rows(there, table)
            if table is jobs:
                rows = (_restored(row, storage) for row in rows)
            elif table is outbox:
                rows = ({**row, "told_at": 0} for row in rows)
            _add(here, table, rows)
        if is_postgres(target):
            for table in (jobs, outbox):
                newest = select(func.coalesce(func.max(table.c.seq), 0) + 1).scalar_subquery()
                here.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "seq"), newest, False)))


@contextmanager
def _one_moment(engine: Engine) -> Generator[Connection]:
    """A connection whose statements all see the database as it was at the first of them."""
    if is_postgres(engine):
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield without_limit(connection)
    else:
        with reading(engine).connect() as connection:
            connection.execute(text("BEGIN"))
            yield connection


def _rows(connection: Connection, table: Table) -> Iterator[Mapping[str, object]]:
    statement = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS)
    for row in connection.execute(statement).mappings():
        yield cast("Mapping[str, object]", row)


def _add(connection: Connection, table: Table, rows: Iterable[Mapping[str, object]]) -> None:
    waiting: list[dict[str, object]] = []
    for row in rows:
        waiting.append({str(name): value for name, value in row.items()})
        if len(waiting) == ROWS:
            connection.execute(insert(table), waiting)
            waiting.clear()
    if waiting:
        connection.execute(insert(table), waiting)


def _restored(row: Mapping[str, object], storage: JobStorage) -> dict[str, object]:
    """A job after a restore: no worker has it, and its paths lead to the restored files."""
    job = {**row, "run_at": 0, "lease_until": 0, "params": _moved(row, storage)}
    if row["status"] == JobStatus.PROCESSING.value:
        job |= requeued(status=JobStatus.QUEUED.value)
        if row["cancelling"]:
            job |= {"status": JobStatus.CANCELLED.value, "cancelling": False, "completed_at": now_ms()}
    return job


def _moved(row: Mapping[str, object], storage: JobStorage) -> dict[str, object]:
    job_id = str(row["job_id"])
    params = dict(cast("Mapping[str, object]", row["params"]))
    for name, folder in (
        ("input_paths", storage.get_input_path(job_id)),
        ("output_paths", storage.get_output_path(job_id)),
    ):
        paths = params.get(name)
        if isinstance(paths, list):
            params[name] = [str(folder / Path(str(path)).name) for path in cast("list[object]", paths)]
    return params
