"""How long a database on another machine may take to answer."""

from typing import Protocol, runtime_checkable

# Seconds.
PATIENCE = 4.0


@runtime_checkable
class Patient(Protocol):
    """A connection that waits for a time (see `postgres.py`); `None` means forever."""

    patience: float | None
