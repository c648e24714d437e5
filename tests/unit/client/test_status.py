"""The words of the states."""

import pytest

from cl_client.server import status


@pytest.mark.parametrize("word", ["completed", "failed", "cancelled", "error"])
def test_ends_are_terminal(word: str):
    assert status.is_terminal(word)


@pytest.mark.parametrize("word", ["queued", "processing", "in_progress", "paused", "", "COMPLETED"])
def test_nothing_else_is(word: str):
    assert not status.is_terminal(word)


def test_old_words_mean_ours_and_new_words_stay():
    assert [status.canonical(word) for word in ("in_progress", "error", "paused")] == ["processing", "failed", "paused"]
