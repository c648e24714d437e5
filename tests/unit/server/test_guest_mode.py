from pathlib import Path

from cl_server.queue.guest_mode import GuestMode


def test_it_is_what_the_server_was_started_with_until_somebody_changes_it(tmp_path: Path) -> None:
    path = tmp_path / "guest-mode"
    assert GuestMode(path).on
    assert not GuestMode(path, default=False).on
    GuestMode(path).set(on=False)
    assert not GuestMode(path, default=True).on


def test_a_change_is_seen_by_others_at_once(tmp_path: Path) -> None:
    api, worker = (GuestMode(tmp_path / "guest-mode") for _ in range(2))
    for wanted in (False, True, False, True):
        api.set(on=wanted)
        assert worker.on is wanted
    assert [file.name for file in tmp_path.iterdir()] == ["guest-mode"]


def test_a_file_that_says_something_else_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "guest-mode").write_text("")
    assert not GuestMode(tmp_path / "guest-mode").on
