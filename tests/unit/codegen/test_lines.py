"""The line of a place in a document, for what is said of it."""

import json

import pytest

from cl_codegen.spec.lines import lines_of

DOCUMENT = {"a": {"b/c": [1, {"d": "x: {y}"}], "e": []}, "f": {}}


@pytest.mark.parametrize("name", ["api.json", "api.yaml"])
def test_a_pointer_is_led_back_to_its_line(tmp_path, name):
    path = tmp_path / name
    text = json.dumps(DOCUMENT, indent=1)
    path.write_text(text, encoding="utf-8")
    lines = text.splitlines()
    found = lines_of(path, ["#/a", "#/a/b~1c/1/d", "#/f", "#/a/e/7/gone", "#"])
    assert '"a"' in lines[found["#/a"] - 1]
    assert '"d"' in lines[found["#/a/b~1c/1/d"] - 1]
    assert '"f"' in lines[found["#/f"] - 1]
    assert '"e"' in lines[found["#/a/e/7/gone"] - 1]
    assert found["#"] == 1


def test_a_file_that_is_gone_has_one_line(tmp_path):
    assert lines_of(tmp_path / "gone.json", ["#/a"]) == {"#/a": 1}
