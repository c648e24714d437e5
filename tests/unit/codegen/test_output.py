"""All or nothing: what is on disk before, between and after."""

import subprocess
import sys

import pytest

from cl_codegen.faults import GenerationError
from cl_codegen.write import output


def test_the_target_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "generated"
    target.mkdir()
    (target / "old.py").write_text("old")
    with output.staging(target) as folder:
        (folder / "new.py").write_text("new")
        assert (target / "old.py").exists()
    assert [path.name for path in target.iterdir()] == ["new.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


def test_a_target_that_is_not_there_is_made(tmp_path):
    with output.staging(tmp_path / "a" / "generated") as folder:
        (folder / "new.py").write_text("new")
    assert (tmp_path / "a" / "generated" / "new.py").exists()


def test_a_failure_leaves_everything_as_it_was(tmp_path):
    target = tmp_path / "generated"
    target.mkdir()
    (target / "old.py").write_text("old")
    with pytest.raises(IsADirectoryError), output.staging(target) as folder:
        folder.read_text()
    assert [path.name for path in target.iterdir()] == ["old.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


def test_a_swap_that_fails_puts_the_old_one_back(tmp_path):
    target = tmp_path / "generated"
    target.mkdir()
    (target / "old.py").write_text("old")
    with pytest.raises(OSError), output.staging(target) as folder:
        folder.rmdir()  # nothing is there to take the place
    assert (target / "old.py").read_text() == "old"


def test_two_folders_change_places_in_one_step(tmp_path, monkeypatch):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    (one / "a").touch()
    output.exchange(one, other)
    assert ([*one.iterdir()], [path.name for path in other.iterdir()]) == ([], ["a"])
    monkeypatch.setattr(output, "_EXCHANGE", 1 << 20)  # as on a system that has no such step
    output.exchange(one, other)
    assert ([path.name for path in one.iterdir()], [*other.iterdir()]) == (["a"], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other"]


def test_what_a_killed_run_left_is_swept_and_its_target_given_back(tmp_path):
    left = tmp_path / ".generated-dead"
    (left / "new-aside").mkdir(parents=True)
    (left / "lock").touch()
    (left / "new-aside" / "old.py").write_text("old")
    with pytest.raises(RuntimeError), output.staging(tmp_path / "generated"):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]
    assert (tmp_path / "generated" / "old.py").read_text() == "old"


def test_a_run_that_goes_on_beside_is_left_alone(tmp_path):
    target = tmp_path / "generated"
    with output.staging(target) as one:
        with output.staging(target) as other:
            (other / "x").touch()
        (one / "y").touch()
    assert [path.name for path in target.iterdir()] == ["y"]
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


def test_what_ruff_cannot_mend_is_an_error(tmp_path):
    (tmp_path / "a.py").write_text("print(nobody_knows_this)\n")
    with pytest.raises(GenerationError, match="Undefined name `nobody_knows_this`"):
        output.format_folder(tmp_path)


def test_what_is_no_python_is_an_error(tmp_path):
    (tmp_path / "a.py").write_text("def (:\n")
    with pytest.raises(GenerationError):
        output.format_folder(tmp_path)


def test_settings_of_the_folder_do_not_count(tmp_path):
    (tmp_path / "ruff.toml").write_text('line-length = 20\nexclude = ["*.py"]\n')
    (tmp_path / "a.py").write_text("import sys, os\nx = os.getcwd ( ) + 'a text that is wider than twenty'\n")
    output.format_folder(tmp_path)
    assert (tmp_path / "a.py").read_text() == ('import os\n\nx = os.getcwd() + "a text that is wider than twenty"\n')


SMALL_DISK = """
import resource, sys
from pathlib import Path
from cl_codegen.write.output import write_files
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
write_files(Path(sys.argv[1]), {"long.txt": "x" * 200})
"""


def test_a_file_that_does_not_fit_is_an_error_and_never_half_a_file_in_silence(tmp_path):
    ran = subprocess.run([sys.executable, "-c", SMALL_DISK, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "File too large" in ran.stderr
