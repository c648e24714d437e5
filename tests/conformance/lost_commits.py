"""Commits that fail: the database has them all the same, or has not, and nobody can tell from the error."""

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError


class LostCommits:
    """Of the next `count` commits of an engine the answer is lost; `kept` is whether the database has them."""

    def __init__(self, engine: Engine) -> None:
        self.count = 0
        self.kept = True
        event.listen(engine, "commit", self._commit)

    def lose(self, count: int = 1, *, kept: bool) -> None:
        self.count = count
        self.kept = kept

    def _commit(self, connection: Connection) -> None:
        if self.count <= 0:
            return
        self.count -= 1
        database = connection.connection.dbapi_connection
        assert database is not None
        if self.kept:
            database.commit()
        else:
            database.rollback()
        raise OperationalError("COMMIT", None, Exception("database is locked, or the connection is gone"))
