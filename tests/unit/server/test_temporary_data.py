import fcntl
from pathlib import Path

from cl_server.stack import temporary_data


def test_of_the_folders_of_other_stacks_only_those_go_that_were_left_behind(tmp_path: Path) -> None:
    names = ("cl-stack-alive", "cl-stack-starting", "cl-stack-before", "cl-stack-dead", "other-dead")
    alive, starting, _, dead, other = (tmp_path / name for name in names)
    for name in names:
        (tmp_path / name / "jobs").mkdir(parents=True)
    (tmp_path / "cl-stack-link").symlink_to(other)
    for folder in (alive, dead, other):
        (folder / "stack.lock").write_text("1")
    (starting / "stack.lock").touch()
    with (alive / "stack.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        temporary_data.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "cl-stack-link"} - {"cl-stack-dead"}
