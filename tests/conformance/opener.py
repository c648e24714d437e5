"""A process that opens new databases together with others: `python -m tests.conformance.opener FOLDER COUNT`."""

import sys
from pathlib import Path

from cl_server.queue.tables import open_database


def main(folder: str, count: str) -> None:
    """Open `FOLDER/0.db`, `FOLDER/1.db` and so on, one at each line of standard input."""
    for number in range(int(count)):
        engine = open_database(Path(folder, f"{number}.db"))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        engine.dispose()
        sys.stdout.write(f"{mode}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
