"""How the suite shares its tests out among processes."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests.processes import Groups

def pytest_configure(config):
    config.pluginmanager.register(Groups(config))
"""
TESTS = """
import os
import pytest

@pytest.mark.parametrize("number", range(8))
@pytest.mark.xdist_group("even")
def test_even(number):
    open(f"even-{os.getpid()}", "w").close()

@pytest.mark.parametrize("number", range(8))
@pytest.mark.xdist_group("odd")
def test_odd(number):
    open(f"odd-{os.getpid()}", "w").close()
"""


def test_the_tests_of_a_group_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_numbers.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    plugins = [
        word for name in ("schemathesis", "anyio", "cacheprovider", "hypothesispytest") for word in ("-p", f"no:{name}")
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *plugins],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "16 passed" in ran.stdout, ran.stdout + ran.stderr
    assert len(list(tmp_path.glob("even-*"))) == 1
    assert len(list(tmp_path.glob("odd-*"))) == 1
