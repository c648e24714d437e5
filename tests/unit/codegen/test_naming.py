"""Names: whatever comes in, an identifier comes out."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cl_codegen.text import naming


@pytest.mark.parametrize(
    ("text", "snake", "pascal", "kebab"),
    [
        ("image_conversion", "image_conversion", "ImageConversion", "image-conversion"),
        ("outputFormat", "output_format", "OutputFormat", "output-format"),
        ("HTTPValidationError", "http_validation_error", "HttpValidationError", "http-validation-error"),
        ("sha256", "sha256", "Sha256", "sha256"),
        ("Body_x", "body_x", "BodyX", "body-x"),
        ("format", "format_", "Format", "format"),
        ("class", "class_", "Class", "class"),
        ("2nd place", "value_2_nd_place", "Value2NdPlace", "2-nd-place"),
        ("ﬁle", "file", "File", "file"),
        ("图像", "value", "Value", "value"),
        ("", "value", "Value", "value"),
        ("none", "none", "None_", "none"),
    ],
)
def test_names_of_each_kind(text, snake, pascal, kebab):
    assert (naming.snake(text), naming.pascal(text), naming.kebab(text)) == (snake, pascal, kebab)


def test_behind_a_dot_only_keywords_are_changed():
    assert (naming.attribute("hash"), naming.attribute("class"), naming.attribute("7z"), naming.attribute("")) == (
        "hash",
        "class_",
        "value_7_z",
        "value",
    )


def test_the_first_free_number_is_taken():
    assert naming.unique("a", {"b"}) == "a"
    assert naming.unique("a", {"a", "a_2"}) == "a_3"


@given(st.text())
def test_every_text_makes_an_ascii_identifier(text):
    for name in (naming.snake(text), naming.pascal(text), naming.attribute(text)):
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
