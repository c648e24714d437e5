"""Parameters as they are written: the examples of RFC 6570 §3.2 and of OpenAPI 3.1 §4.8.12.5."""

import pytest

from cl_client.wire.types import path_part, path_segment, query_part

VALUES = {
    "count": ["one", "two", "three"],
    "list": ["red", "green", "blue"],
    "keys": {"semi": ";", "dot": ".", "comma": ","},
    "var": "value",
    "hello": "Hello World!",
    "half": "50%",
    "who": "fred",
    "base": "http://example.com/home/",
    "path": "/foo/bar",
    "x": 1024,
    "empty": "",
}
"""RFC 6570 §3.2: the values of its examples."""

PATHS = [
    # §3.2.2 simple
    ("simple", "count", False, "one,two,three"),
    ("simple", "count", True, "one,two,three"),
    ("simple", "hello", False, "Hello%20World%21"),
    ("simple", "half", False, "50%25"),
    ("simple", "keys", False, "semi,%3B,dot,.,comma,%2C"),
    ("simple", "keys", True, "semi=%3B,dot=.,comma=%2C"),
    ("simple", "empty", False, ""),
    # §3.2.5 label
    ("label", "who", False, ".fred"),
    ("label", "half", False, ".50%25"),
    ("label", "list", False, ".red,green,blue"),
    ("label", "list", True, ".red.green.blue"),
    ("label", "keys", False, ".semi,%3B,dot,.,comma,%2C"),
    ("label", "keys", True, ".semi=%3B.dot=..comma=%2C"),
    ("label", "empty", False, "."),
    # §3.2.7 matrix
    ("matrix", "who", False, ";who=fred"),
    ("matrix", "half", False, ";half=50%25"),
    ("matrix", "x", False, ";x=1024"),
    ("matrix", "empty", False, ";empty"),
    ("matrix", "list", False, ";list=red,green,blue"),
    ("matrix", "list", True, ";list=red;list=green;list=blue"),
    ("matrix", "keys", False, ";keys=semi,%3B,dot,.,comma,%2C"),
    ("matrix", "keys", True, ";semi=%3B;dot=.;comma=%2C"),
]


@pytest.mark.parametrize(("style", "name", "explode", "written"), PATHS)
def test_a_part_of_a_path_is_written_as_rfc_6570_has_it(style, name, explode, written):
    assert path_part(name, VALUES[name], style, explode=explode) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [("var", "value"), ("path", "%2Ffoo%2Fbar"), ("base", "http%3A%2F%2Fexample.com%2Fhome%2F"), ("x", "1024")],
)
def test_a_plain_part_of_a_path_is_simple_expansion(name, written):
    assert path_segment(VALUES[name]) == written == path_part(name, VALUES[name])


QUERIES = [
    # RFC 6570 §3.2.8 form
    ("form", "who", True, ["who=fred"]),
    ("form", "half", True, ["half=50%25"]),
    ("form", "empty", True, ["empty="]),
    ("form", "list", False, ["list=red,green,blue"]),
    ("form", "list", True, ["list=red", "list=green", "list=blue"]),
    ("form", "keys", False, ["keys=semi,%3B,dot,.,comma,%2C"]),
    ("form", "keys", True, ["semi=%3B", "dot=.", "comma=%2C"]),
    # OpenAPI 3.1 §4.8.12.5: RFC 6570 has no such styles
    ("spaceDelimited", "list", False, ["list=red%20green%20blue"]),
    ("spaceDelimited", "keys", False, ["keys=semi%20%3B%20dot%20.%20comma%20%2C"]),
    ("pipeDelimited", "list", False, ["list=red%7Cgreen%7Cblue"]),
    ("pipeDelimited", "keys", False, ["keys=semi%7C%3B%7Cdot%7C.%7Ccomma%7C%2C"]),
    ("deepObject", "keys", True, ["keys%5Bsemi%5D=%3B", "keys%5Bdot%5D=.", "keys%5Bcomma%5D=%2C"]),
]


@pytest.mark.parametrize(("style", "name", "explode", "written"), QUERIES)
def test_a_part_of_a_query_is_written_as_its_style_has_it(style, name, explode, written):
    assert query_part(name, VALUES[name], style, explode=explode) == written
    assert query_part(name, None, style, explode=explode) == []


@pytest.mark.parametrize("style", ["spaceDelimited", "pipeDelimited"])
def test_parts_that_are_exploded_are_parameters_of_their_own(style):
    assert query_part("list", VALUES["list"], style, explode=True) == query_part("list", VALUES["list"], "form")
