"""On PostgreSQL, jobs are completed, the next ones taken, and both noted in the outbox in one statement.

Its parts find their rows by a key each. What belongs to a key is found in arrays beside the list of keys: a join would
leave it to the planner to read the whole table.
"""

# ruff: noqa: S608 (nothing of what these statements are made of comes from outside)

from sqlalchemy import TextClause, text

from cl_ml_tools.job_queue import LONGEST_BACKOFF
from cl_ml_tools.schemas import Job, JobStatus

# A job without labels has none in its row.
_FIELDS = ", ".join(
    f"'{name}', " + ("coalesce(labels, CAST('{}' AS json))" if name == "labels" else name) for name in Job.model_fields
)
_DOCUMENT = f"json_build_object({_FIELDS}) AS job"

_PLACE = "[array_position(CAST(:ids AS varchar[]), job_id)]"
# Parameters: `ids`, and beside each its `tokens`, `outputs` (JSON) and `sizes`; `now` in milliseconds.
_ENDED = f"""
ended AS (
    UPDATE jobs SET
        status = '{JobStatus.COMPLETED}', progress = 100,
        updated_at = greatest(updated_at, :now), completed_at = greatest(updated_at, :now),
        task_output = (CAST(:outputs AS json[])){_PLACE},
        size = size + (CAST(:sizes AS bigint[])){_PLACE}
    WHERE job_id = ANY(CAST(:ids AS varchar[])) AND status = '{JobStatus.PROCESSING}'
        AND token = (CAST(:tokens AS bigint[])){_PLACE}
    RETURNING *
)"""

_WAITS = f"status = '{JobStatus.QUEUED}'"
_IS_DUE = f"(run_at <= :steady OR run_at > :steady + {LONGEST_BACKOFF})"
# Workers pass by what others are just taking, instead of waiting for them. Parameters: `types`, and `steady` in
# milliseconds.
_FIRST = f"""
first AS (
    SELECT seq, task_type, priority, attempts FROM jobs
    WHERE {_WAITS} AND task_type = ANY(CAST(:types AS varchar[])) AND {_IS_DUE}
    ORDER BY priority DESC, seq LIMIT 1 FOR UPDATE SKIP LOCKED
)"""

# As many as `most` says beside the name in `types`, of the next `look` jobs, which `workers` share.
_MORE = f"""
ahead AS MATERIALIZED (
    SELECT seq FROM (
        SELECT seq, task_type, attempts, run_at FROM jobs
        WHERE {_WAITS} AND priority = (SELECT priority FROM first) AND seq > (SELECT seq FROM first)
        ORDER BY seq LIMIT :look
    ) AS following
    WHERE task_type = (SELECT task_type FROM first) AND attempts = 0 AND {_IS_DUE}
        AND (SELECT attempts FROM first) = 0
), more AS (
    SELECT seq FROM jobs
    WHERE seq = ANY(ARRAY(SELECT seq FROM ahead)) AND {_WAITS} AND attempts = 0
    ORDER BY seq
    LIMIT (
        SELECT greatest(0, least(
            (CAST(:most AS integer[]))[
                array_position(CAST(:types AS varchar[]), (SELECT task_type FROM first))
            ] - 1,
            (count(*) + :workers) / :workers - 1
        ))
        FROM ahead
    )
    FOR UPDATE SKIP LOCKED
)"""

# Parameters: `claimed_by`, and `now` and `lease_end` in milliseconds.
_TAKEN = f"""
taken AS (
    UPDATE jobs SET
        status = '{JobStatus.PROCESSING}', worker_id = :claimed_by, attempts = attempts + 1, token = token + 1,
        updated_at = greatest(updated_at, :now), started_at = greatest(updated_at, :now), lease_until = :lease_end
    WHERE seq = ANY(ARRAY(%s))
    RETURNING *
)"""

_NOTED = """
noted AS (
    INSERT INTO outbox (job, told_at)
    SELECT CASE count(*) WHEN 1 THEN (array_agg(job))[1] ELSE json_agg(job ORDER BY place, priority DESC, seq) END,
        :steady
    FROM moved HAVING count(*) > 0
    RETURNING seq, job
)"""


def moving(*, ends: bool, takes: bool, many: bool = False) -> TextClause:
    """Complete jobs where it `ends`, and take the next where it `takes` one or `many`.

    Its row, if there is one, is the place in the outbox, the document that was noted there, and of what was taken a
    list of ids, attempts and tokens.
    """
    parts, moved, numbers = list[str](), list[str](), "NULL"
    if ends:
        parts.append(_ENDED)
        moved.append(f"SELECT 0 AS place, priority, seq, {_DOCUMENT} FROM ended")
    if takes:
        more = [_MORE] if many else []
        both = " UNION ALL ".join(f"SELECT seq FROM {name}" for name in ("first", *(["more"] if many else [])))
        parts += [_FIRST, *more, _TAKEN % both]
        moved.append(f"SELECT 1 AS place, priority, seq, {_DOCUMENT} FROM taken")
        numbers = "(SELECT json_agg(json_build_array(job_id, attempts, token)) FROM taken)"
    parts += [f"moved AS ({' UNION ALL '.join(moved)})", _NOTED]
    return text(f"WITH {', '.join(parts)} SELECT seq, job, {numbers} FROM noted")
