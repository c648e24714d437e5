"""A process that opens new databases together with others."""

from multiprocessing.connection import Connection
from pathlib import Path

from cl_server.queue.tables import open_database


def main(folder: str, count: int, test: Connection) -> None:
    """Open `FOLDER/0.db`, `FOLDER/1.db` and so on, one each time that the test says so."""
    for number in range(count):
        engine = open_database(Path(folder, f"{number}.db"))
        test.send("ready")
        test.recv()
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        engine.dispose()
        test.send(mode)
