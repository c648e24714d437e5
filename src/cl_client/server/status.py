"""The words for the state of a job, and what they mean. The only place that knows them."""

from typing import Final

QUEUED: Final = "queued"
PROCESSING: Final = "processing"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"

_SYNONYMS: Final = {"in_progress": PROCESSING, "error": FAILED}
_RANKS: Final = {QUEUED: 0, PROCESSING: 1, COMPLETED: 2, FAILED: 2, CANCELLED: 2}


def canonical(word: str) -> str:
    """The status of our server for that of any server of this family. An unknown one stays as it is."""
    return _SYNONYMS.get(word, word)


def is_terminal(word: str) -> bool:
    """Whether a job in this state will never change again. An unknown status is not terminal."""
    return rank(word) == 2


def rank(word: str) -> int:
    """The phase of a job: 0 waiting, 1 running (or an unknown status), 2 ended."""
    return _RANKS.get(canonical(word), 1)
