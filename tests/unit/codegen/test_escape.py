"""Text of a spec in source: it stays text."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cl_codegen.text import escape

HOSTILE = [
    '"""',
    '""""""',
    'ends with "',
    "ends with \\",
    'ends with \\"',
    "\\N{nothing}",
    "\\x",
    "{{ 7 * 7 }} {% raise %} {x!r}",
    "line\r\nbreak\x00\x0b\x85\u2028",
    "\u202egnirts a si siht\u2066",
    "'''",
    '"""\nimport os\nos.abort()\n"""',
    "\ud800",
]
texts = st.text() | st.sampled_from(HOSTILE) | st.lists(st.sampled_from(HOSTILE)).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def body_of(source: str) -> list[ast.stmt]:
    """The statements of a function, made from source that is as deep as in a template."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function.body


@given(texts)
def test_a_docstring_is_one_string_and_nothing_else(text):
    (statement,) = body_of(f"def f():\n    {escape.docstring(text)}")
    assert isinstance(statement, ast.Expr)
    assert isinstance(ast.literal_eval(statement.value), str)


@given(texts, st.integers(0, 3))
def test_prose_within_a_docstring_does_not_end_it(text, hanging):
    said = escape.prose(text, 8, hanging * 4)
    source = f'def f():\n    """Before.\n\n    Args:\n        x: {said}\n    """\n    return 1'
    assert len(body_of(source)) == 2


@given(texts)
def test_code_within_a_docstring_does_not_end_it(text):
    assert len(body_of(f'def f():\n    """Before.\n\n    {escape.code(text)}\n    """\n    return 1')) == 2


@given(texts)
def test_a_docstring_that_ends_with_the_text_ends_there(text):
    assert len(body_of(f'def f():\n    """{escape.prose(text)}"""\n    return 1')) == 2


@given(json_values)
def test_a_literal_is_the_value(value):
    assert ast.literal_eval(escape.literal(value)) == value


@given(texts)
def test_text_in_an_f_string_is_the_text(text):
    expression = ast.parse(f'f"{escape.in_f_string(text)}{{name}}"', mode="eval")
    assert eval(compile(expression, "", "eval"), {"name": "!"}) == f"{text}!"


@given(texts)
def test_a_comment_is_one_line(text):
    assert ast.parse(f"# {escape.comment(text)}").body == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_is_no_json_has_no_literal(value):
    with pytest.raises((TypeError, ValueError)):
        escape.literal(value)


def test_text_of_a_spec_cannot_be_rendered_unescaped():
    text = escape.SpecText("x")
    with pytest.raises(TypeError, match="goes through a filter"):
        f"{text}"
    with pytest.raises(TypeError):
        repr(text)
    assert escape.literal(text) == "'x'"
    assert escape.comment(text) == "x"


def test_text_of_a_spec_compares_like_text():
    assert escape.SpecText("x") == "x"
    assert escape.SpecText("x") == escape.SpecText("x")
    assert escape.SpecText("x") != escape.SpecText("y")
    assert {escape.SpecText("x")} == {escape.SpecText("x")}
    assert not escape.SpecText(" ")


def test_long_lines_are_wrapped_and_margins_are_kept():
    said = escape.prose("word " * 40 + "\n\n  - an item", 8, 4)
    first, second, *_, item = said.split("\n")
    assert len(first) <= 120
    assert second.startswith(" " * 12 + "word")
    assert item == " " * 10 + "- an item"
