"""What workers hear of the jobs that they hold, and how they keep them."""

from collections.abc import Iterable, Sequence
from typing import cast

from sqlalchemy import and_, or_, select, update

from cl_ml_tools.job_queue import LEASE, Beat, Claim
from cl_server.queue.conditions import held
from cl_server.queue.job_archive import SqlJobArchive
from cl_server.queue.tables import jobs


class SqlHeartbeats(SqlJobArchive):
    """The part of `JobQueue` that keeps claims."""

    def heartbeat(self, claim: Claim, lease: int = LEASE) -> Beat:
        """Renew a claim."""
        return self.beats([claim], lease)[0]

    def look(self, claim: Claim) -> Beat:
        """What a heartbeat would say."""
        return self.beats([claim], None)[0]

    def beats(self, claims: Sequence[Claim], lease: int | None = LEASE) -> list[Beat]:
        """Renew claims, or look at them."""
        theirs = or_(*(and_(*held(claim)) for claim in claims))
        if lease is None:
            with self._reading.connect() as connection:
                rows = connection.execute(select(jobs.c.job_id, jobs.c.cancelling).where(theirs)).all()
        else:
            renewed = update(jobs).where(theirs).values(lease_until=self._steady() + lease)
            with self._engine.begin() as connection:
                rows = connection.execute(renewed.returning(jobs.c.job_id, jobs.c.cancelling)).all()
        cancelling = dict(cast("Iterable[tuple[str, bool]]", rows))
        return [_beat(cancelling.get(claim.job.job_id)) for claim in claims]


def _beat(cancelling: bool | None) -> Beat:
    if cancelling is None:
        return Beat.LOST
    return Beat.CANCEL if cancelling else Beat.KEPT
