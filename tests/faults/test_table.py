"""The table of faults says the truth."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_test_that_the_table_names_exists():
    named = set(re.findall(r"`(test_[a-z_]+)`", (HERE / "README.md").read_text()))
    code = "".join(path.read_text() for path in HERE.parent.rglob("test_*.py"))
    assert len(named) > 40
    assert named - set(re.findall(r"def (test_\w+)\(", code)) == set()
