"""YAML as people write specs in it, and what it says that JSON cannot."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from cl_codegen.spec import yaml_document
from cl_codegen.spec.spec import Spec, SpecError
from cl_codegen.spec.yaml_document import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[no, on, yes, off, y]", ["no", "on", "yes", "off", "y"]),
        ("[true, False, null, ~, ]", [True, False, None, None]),
        ("[010, 12:30, 1_000, 0x1F, 2024-01-05]", [10, "12:30", "1_000", "0x1F", "2024-01-05"]),
        ("[1, -2, 1.5, 1e3, .5, .inf]", [1, -2, 1.5, 1000.0, 0.5, ".inf"]),
        ("200: a\n'201': b", {"200": "a", "201": "b"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: >\n  one\n  two\n", {"a": "one two\n"}),
    ],
)
def test_plain_words_are_those_of_yaml_1_2(text, value):
    assert read_yaml("s.yaml", text) == value


def test_what_an_alias_repeats_is_another_thing_each_time():
    value = read_yaml("s.yaml", "a: &x {b: 1}\nc: *x")
    assert isinstance(value, dict)
    assert value["a"] is not value["c"]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a: [1,\nb: 2", "line 2, column 5", "not YAML"),
        ("a: 1\n\tb: 2", "line 2, column 1", "not YAML"),
        ("a: !!python/object/apply:os.abort []", "line 1, column 4", "could not determine a constructor"),
        ("a: !!binary aGk=", "#/a", "not a bytes"),
        ("a: !!set {x}", "#/a", "not a set"),
        ("a: &x [*x]", "#/a/0", "an alias that holds itself"),
        ("true: 1", "#", "expected a string as a key, not True"),
        ("a: \x00", "#", "cannot be read"),
    ],
)
def test_what_json_does_not_have_is_refused_with_its_place(text, place, said):
    with pytest.raises(SpecError) as raised:
        read_yaml("s.yaml", text)
    assert raised.value.place == place
    assert said in str(raised.value)


def test_aliases_that_multiply_are_counted(monkeypatch):
    monkeypatch.setattr(yaml_document, "LARGEST", 1000)
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcd", "bcde", strict=True)
    )
    with pytest.raises(SpecError, match="more than 1000 values"):
        read_yaml("s.yaml", bomb)


def test_a_broken_spec_in_yaml_names_file_pointer_and_what_is_expected(tmp_path: Path):
    path = tmp_path / "api.yaml"
    path.write_text("openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get: {responses: {20: {}}}\n")
    with pytest.raises(SpecError) as raised:
        Spec.load(path)
    assert str(raised.value) == (
        f"{path}: #/paths/~1a/get/responses/20: expected a status code, a range such as 4XX, or default"
    )


def test_a_merge_key_is_what_it_refers_to():
    text = "base: &base {lang: de, n: 1}\nmore: {<<: *base, n: 2}\nboth: {<<: [*base, {z: 3}]}\nword: '<<'\n"
    assert read_yaml("x.yaml", text) == {
        "base": {"lang": "de", "n": 1},
        "more": {"lang": "de", "n": 2},
        "both": {"lang": "de", "n": 1, "z": 3},
        "word": "<<",
    }


WORDS = some.text("ab: -#[]{},&*!|>'\"%@`~?<=\n\t0123.eE+xno", max_size=8)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(-1e9, 1e9) | WORDS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


def outcomes(text: str) -> tuple[object, object]:
    """What becomes of a text, by libyaml and by PyYAML's own loader: a value, or the words of a refusal."""

    def outcome() -> object:
        try:
            return read_yaml("s.yaml", text)
        except SpecError as refused:
            return str(refused)

    quick = outcome()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(yaml_document, "_QuickLoader", yaml_document._Loader)
        return quick, outcome()


@given(VALUES, some.booleans(), some.sampled_from([10, 1000]))
def test_libyaml_reads_what_pyyaml_reads(value, flow, width):
    quick, own = outcomes(yaml.safe_dump(value, default_flow_style=flow, width=width))
    assert quick == own


@given(some.lists(some.sampled_from([*"a: -[]{},'#1|\n", "  ", "&x", "*x"])))
def test_libyaml_refuses_what_pyyaml_refuses_in_the_same_words(pieces):
    # A comment right behind the head of a block (`|#`) is all that libyaml alone takes.
    quick, own = outcomes(re.sub(r"(\|[-1]*)#", r"\1 #", "".join(pieces)))
    assert quick == own


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 50_000])
def test_a_text_that_is_nested_without_end_does_not_end_the_process(text):
    with pytest.raises(SpecError):
        read_yaml("s.yaml", text)
