"""A user's own repository: the five methods, on sqlite3."""

import json
import sqlite3
from typing import List, Optional  # noqa: UP035 - as people write it

from cl_ml_tools.common.schemas import Job

TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, task_type TEXT NOT NULL, params TEXT NOT NULL, status TEXT DEFAULT 'queued',
    progress INTEGER DEFAULT 0, task_output TEXT, error_message TEXT, created_by TEXT, priority INTEGER DEFAULT 5,
    created_at INTEGER DEFAULT (strftime('%s', 'now') * 1000)
)
"""


class SQLiteJobRepository:
    def __init__(self, db_path: str):
        self.conn = sqlite3.connect(db_path, check_same_thread=False)
        self.conn.row_factory = sqlite3.Row
        self.conn.execute(TABLE)
        self.conn.commit()

    def add_job(self, job: Job, created_by: Optional[str] = None, priority: Optional[int] = None) -> str:  # noqa: UP045
        self.conn.execute(
            "INSERT INTO jobs (job_id, task_type, params, status, created_by, priority) VALUES (?, ?, ?, ?, ?, ?)",
            (job.job_id, job.task_type, json.dumps(job.params), job.status, created_by, priority or 5),
        )
        self.conn.commit()
        return job.job_id

    def get_job(self, job_id: str) -> Optional[Job]:  # noqa: UP045
        row = self.conn.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        return self._job(row, row["status"]) if row else None

    def update_job(self, job_id: str, **kwargs) -> bool:
        if kwargs.get("task_output") is not None:
            kwargs["task_output"] = json.dumps(kwargs["task_output"])
        columns = ", ".join(f"{name} = ?" for name in kwargs)
        cursor = self.conn.execute(f"UPDATE jobs SET {columns} WHERE job_id = ?", [*kwargs.values(), job_id])
        self.conn.commit()
        return cursor.rowcount > 0

    def fetch_next_job(self, task_types: List[str]) -> Optional[Job]:  # noqa: UP006, UP045
        cursor = self.conn.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        places = ",".join("?" * len(task_types))
        cursor.execute(
            f"SELECT * FROM jobs WHERE status = 'queued' AND task_type IN ({places})"
            " ORDER BY priority DESC, created_at ASC LIMIT 1",
            task_types,
        )
        row = cursor.fetchone()
        if row is None:
            self.conn.rollback()
            return None
        cursor.execute("UPDATE jobs SET status = 'processing' WHERE job_id = ?", (row["job_id"],))
        self.conn.commit()
        return self._job(row, "processing")

    def delete_job(self, job_id: str) -> bool:
        cursor = self.conn.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))
        self.conn.commit()
        return cursor.rowcount > 0

    def _job(self, row: sqlite3.Row, status: str) -> Job:
        return Job(
            job_id=row["job_id"],
            task_type=row["task_type"],
            params=json.loads(row["params"]),
            status=status,
            progress=row["progress"],
            task_output=json.loads(row["task_output"]) if row["task_output"] else None,
            error_message=row["error_message"],
        )
