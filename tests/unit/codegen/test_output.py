"""All or nothing: what is on disk before, between and after."""

import pytest

from cl_codegen import output
from cl_codegen.faults import GenerationError


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
