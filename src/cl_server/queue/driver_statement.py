"""A statement that is compiled once and run by the database's driver: SQLAlchemy takes several times as long to run a
small statement as SQLite does."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

DriverRow: TypeAlias = "Sequence[object]"


class DriverStatement:
    """Takes the values as the driver does, and gives the rows as the driver has them: on SQLite JSON is text.

    JSON among the parameters is text on both. `columns`: of an INSERT, those that it fills.
    """

    def __init__(self, statement: ClauseElement, engine: Engine, columns: Sequence[str] | None = None) -> None:
        compiled = cast("SQLCompiler", statement.compile(engine, column_keys=columns))
        self._text = str(compiled)
        # Values in the statement itself. Parameters from the caller are `None` here.
        self._constant = dict(compiled.params)
        # Where the driver knows parameters by their place, their order.
        self._order: Sequence[str] | None = compiled.positiontup

    def run(self, connection: Connection, values: Mapping[str, object]) -> Sequence[DriverRow]:
        """Run it in the transaction of a connection. Raises SQLAlchemy's errors."""
        given = {**self._constant, **values}
        if self._order is None:
            result = connection.exec_driver_sql(self._text, given)
            return list(result) if result.returns_rows else ()
        database = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        ordered = [given[name] for name in self._order]
        try:
            return database.execute(self._text, ordered).fetchall()
        except sqlite3.Error as error:
            raise _translated(self._text, ordered, error, connection) from error


def _translated(text: str, values: list[object], error: sqlite3.Error, connection: Connection) -> BaseException:
    """The error of SQLAlchemy for one of the driver, as callers expect it."""
    dialect = connection.dialect
    return DBAPIError.instance(text, values, error, sqlite3.Error, hide_parameters=True, dialect=dialect)
