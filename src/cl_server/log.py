"""The log of a server process: standard error, which the embedded stack keeps in a file."""

import logging


def configure(name: str) -> None:
    """One line for each event, with the process that says it."""
    logging.basicConfig(format=f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
